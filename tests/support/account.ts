import type { LogsStats } from '@logbridge/core'
import { expect, type RunnerTestCase, TestRunner } from 'vitest'

/** The account of one fault, as `accountReporter.ts` prints it. */
export interface Account {
  readonly name: string
  readonly stats: LogsStats
  readonly extra: Readonly<Record<string, number | string>>
}

declare module 'vitest' {
  interface TaskMeta {
    accounts?: Account[]
  }
}

/** Every record is somewhere, and nowhere twice. */
export function expectBalance(stats: LogsStats): void {
  const { created, adopted, delivered, rejected, dropped, queued, inFlight } = stats
  const droppedCount = Object.values(dropped).reduce((sum, count) => sum + count, 0)
  const account = JSON.stringify(stats)
  expect(delivered + rejected + droppedCount + queued + inFlight, account).toBe(created + adopted)
}

/**
 * Expects the account to balance, and has it printed when all tests have ended: what became of the records of the running test.
 *
 * @param extra what else was counted: duplicates, restarts, requests
 */
export function reportAccount(name: string, stats: LogsStats, extra: Account['extra'] = {}): void {
  const { meta } = TestRunner.getCurrentTest<RunnerTestCase>()
  meta.accounts = [...(meta.accounts ?? []), { name, stats, extra }]
  expectBalance(stats)
}
