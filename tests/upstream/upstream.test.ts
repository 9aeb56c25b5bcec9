import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it, type TestContext } from 'vitest'
import { installSuite, testFiles, versionOf } from './installSuite.ts'
import { type Outcome, runFile } from './runFile.ts'
import { type Suite, suites } from './suites.ts'

/** Most runs of a file: some tests depend on the speed of the machine. */
const ATTEMPTS = 3

/** Outcomes of one test file. */
interface Comparison {
  readonly file: string
  readonly neutral: Outcome
  readonly logbridge: Outcome
  readonly losses: readonly string[]
}

const table: Record<string, string | number>[] = []
const parent = await mkdtemp(join(tmpdir(), 'logbridge-upstream-'))
afterAll(async () => {
  console.table(table)
  await rm(parent, { recursive: true })
})

describe.concurrent('adapter', () => {
  it.for(suites)(
    'fails no test and loses no record when it is attached to every logger of the suite of $name',
    async (suite, context) => {
      const { expect } = context
      const folder = await installOrSkip(suite, context)
      const comparisons: Comparison[] = []
      for (const file of await testFiles(suite, folder)) comparisons.push(await compare(suite, folder, file))
      const row = rowOf(suite, await versionOf(folder), comparisons)
      table.push(row)

      expect(comparisons.filter(({ losses }) => losses.length > 0)).toEqual([])
      expect(row['tests']).toBeGreaterThanOrEqual(suite.floor.tests)
      expect(row['records neutral']).toBeGreaterThanOrEqual(suite.floor.records)
    },
  )
})

/** Installs a suite. Skips the test where the registries do not have the suite; fails in CI. */
async function installOrSkip(suite: Suite, context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(parent, `${suite.library}-`))
  try {
    await installSuite(suite, folder)
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.log(`The suite of ${suite.name} cannot be installed: ${String(error)}`)
    context.skip()
  }
  return folder
}

/**
 * Runs a test file with the neutral destination alone, then with the adapter beside it. Repeats both when the adapter seems to
 * lose something. A test that fails once without the adapter says nothing about the adapter.
 */
async function compare(suite: Suite, folder: string, file: string): Promise<Comparison> {
  const unstable = new Set<string>()
  for (let attempt = 1; ; attempt++) {
    const neutral = await runFile(suite, folder, file, 'neutral')
    const logbridge = await runFile(suite, folder, file, 'logbridge')
    for (const title of neutral.failures) unstable.add(title)
    const comparison = { file, neutral, logbridge, losses: lossesOf(neutral, logbridge, unstable) }
    if (attempt === ATTEMPTS || comparison.losses.length === 0) return comparison
    console.log(`${suite.name} runs again:`, file, comparison.losses)
  }
}

/** Describes each test and record that is lost when the adapter is attached. */
function lossesOf(neutral: Outcome, { tests, failures, records }: Outcome, unstable: Set<string>): string[] {
  const losses = failures.filter((title) => !unstable.has(title))
  if (tests < neutral.tests) losses.push(`${tests} tests instead of ${neutral.tests}`)
  if (records.logbridge !== records.neutral)
    losses.push(`${records.logbridge} records instead of ${records.neutral}`)
  return losses
}

function rowOf(
  { name }: Suite,
  version: string,
  comparisons: readonly Comparison[],
): Record<string, string | number> {
  const sum = (numberOf: (comparison: Comparison) => number): number =>
    comparisons.reduce((total, comparison) => total + numberOf(comparison), 0)
  return {
    suite: name,
    version,
    tests: sum(({ neutral }) => neutral.tests),
    'failures neutral': sum(({ neutral }) => neutral.failures.length),
    'failures logbridge': sum(({ logbridge }) => logbridge.failures.length),
    'records neutral': sum(({ logbridge }) => logbridge.records.neutral),
    'records logbridge': sum(({ logbridge }) => logbridge.records.logbridge),
  }
}
