import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Suite } from './suites.ts'
import { parseTap, type TestResult } from './tap.ts'

/** Destination that is attached to every logger. The neutral destination, which does nothing but count, is attached in both cases. */
export type Destination = 'logbridge' | 'neutral'

/** Outcome of one test file with a destination. */
export interface Outcome {
  readonly tests: number
  /** Titles of the failed tests, sorted. */
  readonly failures: readonly string[]
  /** Number of records that each destination got. */
  readonly records: Readonly<Record<Destination, number>>
}

/** Longest time of one test file. */
const FILE_TIMEOUT_MILLIS = 90_000

const preload = fileURLToPath(new URL('hooks/preload.cjs', import.meta.url))
const mochaReporter = fileURLToPath(new URL('mochaReporter.cjs', import.meta.url))
const nodeReporter = new URL('nodeReporter.mjs', import.meta.url).href

/** Runs one test file of a suite with `destination` attached to every logger. */
export async function runFile(
  suite: Suite,
  folder: string,
  file: string,
  destination: Destination,
): Promise<Outcome> {
  const results = join(folder, '.results')
  const records = join(folder, '.records')
  for (const path of [results, records]) writeFileSync(path, '')
  const exitCode = await spawnNode(argumentsOf(suite, file, results), folder, results, {
    NODE_OPTIONS: `--require ${preload}`,
    UPSTREAM_LIBRARY: suite.library,
    UPSTREAM_FOLDER: folder,
    UPSTREAM_FACTORY: suite.factory,
    UPSTREAM_DESTINATION: destination,
    UPSTREAM_RECORDS: records,
    UPSTREAM_RESULTS: results,
  })
  const tests = suite.runner === 'tap' ? parseTap(readFileSync(results, 'utf8')) : readResults(results)
  const failures = tests.filter(({ passed }) => !passed).map(({ title }) => title)
  // A process that ends early has no failed test.
  if (exitCode !== 0 && failures.length === 0) failures.push(`exit code ${exitCode}`)
  return { tests: tests.length, failures: failures.toSorted(), records: countRecords(records) }
}

/** Counts the records of each destination by its letter. */
function countRecords(file: string): Record<Destination, number> {
  const letters = readFileSync(file, 'utf8')
  return { neutral: letters.split('n').length - 1, logbridge: letters.split('l').length - 1 }
}

function argumentsOf({ runner }: Suite, file: string, results: string): readonly string[] {
  switch (runner) {
    case 'mocha':
      return ['node_modules/mocha/bin/_mocha', '--reporter', mochaReporter, '--spec', file]
    case 'node':
      return ['--test', `--test-reporter=${nodeReporter}`, `--test-reporter-destination=${results}`, file]
    case 'tap':
      return [file]
  }
}

/** Runs Node.js. Writes stdout to a file, because a process that a test started may keep a pipe open. */
async function spawnNode(
  args: readonly string[],
  cwd: string,
  stdoutFile: string,
  env: NodeJS.ProcessEnv,
): Promise<number | null> {
  const stdout = openSync(stdoutFile, 'a')
  const child = spawn(process.execPath, args, {
    cwd,
    // The suites run without the variables of vitest.
    env: { ...process.env, NODE_ENV: undefined, VITEST: undefined, ...env },
    stdio: ['ignore', stdout, 'ignore'],
    timeout: FILE_TIMEOUT_MILLIS,
    killSignal: 'SIGKILL',
  })
  closeSync(stdout)
  const [exitCode] = (await once(child, 'exit')) as [number | null]
  return exitCode
}

/** Reads the results that a reporter wrote, from among the output of the tests. */
function readResults(file: string): TestResult[] {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line.startsWith('{"title":')).map((line) => JSON.parse(line) as TestResult)
}
