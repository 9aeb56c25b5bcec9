import type { Encoding, Signal } from './decode.ts'

/** Takes the requests of both listeners. */
export interface RequestSink {
  /**
   * Decodes and takes a request. The sender gets its answer afterwards.
   *
   * @throws TooLargeError when the decoded request would take too much memory
   * @throws Error when the bytes cannot be decoded
   */
  accept(signal: Signal, encoding: Encoding, bytes: Uint8Array): void | Promise<void>
  /** Counts a request that a listener answered with an error. */
  countRefused(): void
}

export interface ListenOptions {
  host: string
  port: number
  maxMessageBytes: number
  /**
   * Further names of this receiver, `NAME` or `NAME:PORT`, in the Host header.
   *
   * @default none
   */
  allowedHosts?: readonly string[]
  /**
   * Origins of pages that may send over HTTP, such as `http://localhost:5173`.
   *
   * @default none
   */
  allowedOrigins?: readonly string[]
}

export interface Listener {
  port: number
  close(): Promise<void>
}
