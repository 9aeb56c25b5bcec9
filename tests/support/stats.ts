import type { LogsStats } from '@logbridge/core'

/** What `stats()` returns, of this process or of another one that has printed it. */
export interface Stats extends Omit<LogsStats, 'recovered' | 'spooled' | 'bytes'> {
  readonly recovered?: number
}

/** How many records the account has no place for, or (negative) has in two places: 0 when it balances. */
export function unaccounted(stats: Stats): number {
  const { created, recovered = 0, delivered, rejected, dropped, queued, inFlight } = stats
  const droppedCount = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  return created + recovered - (delivered + rejected + droppedCount + queued + inFlight)
}

/** Matches an object without keys. In `toMatchObject`, which `{}` would let any object pass. */
export const NOTHING: { asymmetricMatch(value: unknown): boolean } = {
  asymmetricMatch: (value) => typeof value === 'object' && value !== null && Object.keys(value).length === 0,
}
