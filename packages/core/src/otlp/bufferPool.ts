import { timers, unref } from '@logbridge/bridge/internal'

/**
 * Number of buffers that are kept, 17 MB of full batches. A backlog of a flood has had as many; allocating them again would make V8
 * collect garbage for their sake, a fifth of the CPU of messages of 2 kB (`pnpm bench growth-message`).
 */
const MAX_BUFFERS = 32
/** Time without a use after which the buffers are released, in milliseconds. */
const RELEASE_MILLIS = 5000

/** Buffers of one size that are used again. They are released when none was taken for a while. */
export class BufferPool {
  private readonly size: number
  private readonly free: Buffer[] = []
  private timer: NodeJS.Timeout | undefined
  private isUsed = false

  /** @param size size of each buffer in bytes */
  constructor(size: number) {
    this.size = size
  }

  /** Returns a free buffer, or a new one. Its bytes are those of its last use. */
  take(): Buffer {
    this.isUsed = true
    return this.free.pop() ?? Buffer.allocUnsafeSlow(this.size)
  }

  /** Gives a buffer back that nothing reads any more. A buffer of another size is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (buffer.length !== this.size || this.free.length === MAX_BUFFERS) return
    this.free.push(buffer)
    this.timer ??= this.schedule()
  }

  private schedule(): NodeJS.Timeout {
    return unref(timers.setTimeout(() => this.releaseUnused(), RELEASE_MILLIS))
  }

  private releaseUnused(): void {
    if (!this.isUsed) this.free.length = 0
    this.isUsed = false
    this.timer = this.free.length > 0 ? this.schedule() : undefined
  }
}
