import type { LogsStats } from '@logbridge/core'

/** Result of `stats()`, of this process or printed by another process. */
export interface Stats extends Omit<LogsStats, 'recovered' | 'spooled' | 'bytes'> {
  readonly recovered?: number
}

/** Returns 0 when the counters balance, else the number of uncounted records, or minus the number of records counted twice. */
export function unaccounted(stats: Stats): number {
  const { created, recovered = 0, delivered, rejected, dropped, queued, inFlight } = stats
  const droppedCount = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return created + recovered - (delivered + rejected + droppedCount + queued + inFlight)
}

/** Matches an object without keys. `{}` in `toMatchObject` would match any object. */
export const NOTHING: { asymmetricMatch(value: unknown): boolean } = {
  asymmetricMatch: (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
}
