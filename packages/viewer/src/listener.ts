import type { Encoding, Signal } from './decode.ts'

/** Where the listeners hand over what they received. */
export interface Intake {
  /**
   * @throws TooLargeError when the request would take too much memory
   * @throws Error when the bytes cannot be decoded
   */
  accept(signal: Signal, encoding: Encoding, bytes: Uint8Array): void
  refuse(): void
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
