import { expect, type RunnerTestCase, TestRunner } from 'vitest'
import { type Stats, unaccounted } from './stats.ts'

/** The account of one fault, as `accountReporter.ts` prints it. */
export interface Account {
  readonly name: string
  readonly stats: Stats
  readonly extra: Readonly<Record<string, number | string>>
}

declare module 'vitest' {
  interface TaskMeta {
    accounts?: Account[]
  }
}

/** Every record is somewhere, and nowhere twice. */
export function expectBalance(stats: Stats): void {
  expect(unaccounted(stats), JSON.stringify(stats)).toBe(0)
}

/**
 * Expects the account to balance, and has it printed when all tests have ended: what became of the records of the running test.
 *
 * @param extra what else was counted: duplicates, restarts, requests
 */
export function reportAccount(name: string, stats: Stats, extra: Account['extra'] = {}): void {
  const { meta } = TestRunner.getCurrentTest<RunnerTestCase>()
  meta.accounts = [...(meta.accounts ?? []), { name, stats, extra }]
  expectBalance(stats)
}
