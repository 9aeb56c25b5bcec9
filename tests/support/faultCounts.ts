import { expect, type RunnerTestCase, TestRunner } from 'vitest'
import { type Stats, unaccounted } from './stats.ts'

/** Counts of one fault test, as `countsReporter.ts` prints them. */
export interface FaultCounts {
  readonly name: string
  readonly stats: Stats
  readonly extra: Readonly<Record<string, number | string>>
}

declare module 'vitest' {
  interface TaskMeta {
    faultCounts?: FaultCounts[]
  }
}

/** Expects each record to be counted exactly once. */
export function expectBalance(stats: Stats): void {
  expect(unaccounted(stats), JSON.stringify(stats)).toBe(0)
}

/**
 * Expects the counts of the running test to balance, and adds them to the table that is printed after all tests.
 *
 * @param extra further counts, such as duplicates, restarts, and requests
 */
export function reportCounts(name: string, stats: Stats, extra: FaultCounts['extra'] = {}): void {
  const { meta } = TestRunner.getCurrentTest<RunnerTestCase>()
  meta.faultCounts = [...(meta.faultCounts ?? []), { name, stats, extra }]
  expectBalance(stats)
}
