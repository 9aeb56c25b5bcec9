import type { Unsent } from '../process/longWait.ts'

/** One signal of the official SDK, traces or metrics. */
export interface SignalPipeline<Provider> {
  readonly provider: Provider
  forceFlush(timeoutMillis: number): Promise<unknown>
  shutdown(timeoutMillis: number): Promise<unknown>
  /** Aborts the exports under way. */
  abandon(): void
  /** Aborts the exports under way and ends the exporter. Resolves when the exports have ended. */
  close(): Promise<unknown>
  /** Returns the exports under way. */
  unsent(): Unsent | undefined
  /** Returns what the end of the process or of the provider loses, without what a line has announced. */
  lost(): Unsent | undefined
}
