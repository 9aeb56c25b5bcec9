/** Bounds of the store. The oldest records are dropped when a bound is reached. */
export interface Bounds {
  maxLogs: number
  maxSpans: number
  maxDataPoints: number
  /** Largest size of the database in bytes. */
  maxBytes: number
}

export const DEFAULT_BOUNDS: Readonly<Bounds> = {
  maxLogs: 100_000,
  maxSpans: 100_000,
  maxDataPoints: 100_000,
  maxBytes: 256 * 2 ** 20,
}
