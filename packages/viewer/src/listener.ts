import type { Encoding, Signal } from './decode.ts'

/** Takes the requests of both listeners. */
export interface RequestSink {
  /**
   * Decodes and counts a request, and emits its event.
   *
   * @throws TooLargeError when the decoded request would take too much memory
   * @throws Error when the bytes cannot be decoded
   */
  accept(signal: Signal, encoding: Encoding, bytes: Uint8Array): void
  /** Counts a request that a listener answered with an error. */
  countRefused(): void
}

export interface ListenOptions {
  host: string
  port: number
  maxMessageBytes: number
}

export interface Listener {
  port: number
  close(): Promise<void>
}
