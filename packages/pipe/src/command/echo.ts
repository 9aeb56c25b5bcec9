/** Copies bytes to stdout or stderr of this process, as fast as its reader takes them. */
export class Echo {
  private readonly stream: NodeJS.WriteStream
  private isBroken = false

  /** @param say prints a message to the operator */
  constructor(stream: NodeJS.WriteStream, name: 'stdout' | 'stderr', say: (message: string) => void) {
    this.stream = stream
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (this.isBroken) return
      this.isBroken = true
      const cause = code === 'EPIPE' ? 'its reader has closed it' : message
      if (name === 'stdout') say(`stdout takes no more lines, which are still sent: ${cause}`)
    })
  }

  /** Writes a chunk. Waits for a reader that is slow, until the signal aborts; leaves the chunk out when the reader has closed its end. */
  async write(chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    const { stream } = this
    if (this.isBroken || stream.write(chunk) || signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        stream.off('drain', end).off('error', end).off('close', end)
        signal.removeEventListener('abort', end)
        resolve()
      }
      stream.on('drain', end).on('error', end).on('close', end)
      signal.addEventListener('abort', end)
    })
  }
}
