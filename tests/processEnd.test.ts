import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type LoggerProviderOptions } from '@logbridge/core'
import { startViewer, type Viewer } from '@logbridge/viewer'
import { afterAll, beforeAll, describe, expect, test, type TestContext, vi } from 'vitest'

// Executes each cell of the tables "How a process can end" of docs/delivery.md: what it loses, and whether it reports that.

const document = readFileSync(new URL('../docs/delivery.md', import.meta.url), 'utf8')
const PROGRAM = fileURLToPath(new URL('fixtures/processEnd.mjs', import.meta.url))
const UNREACHABLE = 'http://127.0.0.1:1'
const OLDER = 10
const LAST = 5
/** Wait after which a batch with `scheduledDelayMillis` is delivered. */
const LONGER_THAN_DELAY = 1500
const WAIT = { timeout: 30_000, interval: 20 }

const COLUMNS: Readonly<Record<string, LoggerProviderOptions>> = {
  'without options': {},
  '`spool`': {},
  '`shutdownSignals`': { shutdownSignals: ['SIGTERM', 'SIGINT'] },
  '`flushOnExit`': { flushOnExit: true },
}
const WAYS: Readonly<Record<string, string>> = {
  'end of work': 'end of work',
  '`process.exitCode = 3`, then end of work': 'process.exitCode',
  '`process.exit()`': 'process.exit()',
  SIGTERM: 'SIGTERM',
  SIGINT: 'SIGINT',
  SIGKILL: 'SIGKILL',
  'Ctrl-C under `npm start`': 'Ctrl-C under npm',
  'SIGTERM as PID 1 of a container, then SIGKILL': 'PID 1',
  'uncaught exception': 'uncaught exception',
  'unhandled rejection': 'unhandled rejection',
  '`process.abort()`': 'process.abort()',
  '`worker.terminate()`': 'worker.terminate()',
  '`worker.disconnect()` of a cluster': 'cluster disconnect',
}
const REPORT =
  /(?:when the process ended|worker thread was terminated .*): (?<count>\d+)|dropping (?<count>\d+) log records? unless/
/** Pattern of a cell. */
const LOSS = /^(?:0|(?<lost>all|up to (?<age>1 s|100 ms)), (?<report>reported|unreported))$/

interface Cell {
  readonly way: string
  readonly column: string
  readonly loss: string
}

/** Returns the cells of the table under a heading. */
function cells(heading: string): Cell[] {
  const section = document.split(`\n#### ${heading}\n`)[1]!.split(/\n#/)[0]!
  const [header, , ...rows] = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  expect(header!.slice(1)).toEqual(Object.keys(COLUMNS))
  expect(rows.map(([way]) => way)).toEqual(Object.keys(WAYS))
  for (const loss of rows.flatMap(([, ...losses]) => losses)) expect(loss).toMatch(LOSS)
  return rows.flatMap(([way, ...losses]) =>
    losses.map((loss, index) => ({ way: way!, column: header![index + 1]!, loss })),
  )
}

const canUnshare = spawnSync('unshare', ['--pid', '--fork', 'true']).status === 0
if (!canUnshare) process.stdout.write('PID 1 is not tested: unshare --pid --fork is not permitted here\n')

let viewer: Viewer
/** Bodies by `service.name`. */
const arrived = new Map<string, Set<unknown>>()
beforeAll(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  viewer.on('logs', (records) => {
    for (const { body, resource } of records) {
      const name = String(resource.attributes['service.name'])
      arrived.set(name, (arrived.get(name) ?? new Set()).add(body))
    }
  })
})
afterAll(() => viewer.close())

/** Tests run concurrently: each has its own `onTestFinished`. */
type Finish = TestContext['onTestFinished']

async function newFolder(onTestFinished: Finish): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'logbridge-end-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** Starts the program with the command that its end needs. */
async function start(way: string, task: object, onTestFinished: Finish): Promise<ChildProcess> {
  const env = { ...process.env, PROCESS_END: JSON.stringify({ way, ...task }), NODE_NO_WARNINGS: '1' }
  const node = [process.execPath, PROGRAM]
  let command = node
  let cwd: string | undefined
  if (way === 'PID 1') command = ['unshare', '--pid', '--fork', '--kill-child=SIGKILL', ...node]
  if (way === 'Ctrl-C under npm') {
    cwd = await newFolder(onTestFinished)
    command = ['npm', 'start']
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ scripts: { start: node.join(' ') } }))
  }
  // `detached` creates a process group, because Ctrl-C is a signal to the group.
  const child = spawn(command[0]!, command.slice(1), { cwd, env, stdio: 'pipe', detached: true })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Runs a process to its end and returns its stderr. */
async function run(way: string, task: object, onTestFinished: Finish): Promise<string> {
  const child = await start(way, task, onTestFinished)
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  child.stdout!.on('data', (chunk: Buffer) => {
    if (chunk.includes('still running')) child.kill('SIGKILL')
  })
  await once(child, 'close')
  return stderr
}

/** Starts another process with the spool, and waits until it delivers the records. */
async function recover(
  options: LoggerProviderOptions,
  isDelivered: () => void,
  onTestFinished: Finish,
): Promise<void> {
  const next = await start('recovery', { options: { ...options, endpoint: viewer.httpUrl } }, onTestFinished)
  await vi.waitFor(isDelivered, WAIT)
  next.stdin!.end()
  await once(next, 'close')
}

describe.each([
  ['while the receiver can be reached', (): string => viewer.httpUrl],
  ['while the receiver cannot be reached', (): string => UNREACHABLE],
] as const)('%s', (heading, endpoint) => {
  test.for(cells(heading))(
    'a process loses what the table says when it ends by $way, $column',
    { tags: 'long', concurrent: true },
    async ({ way: name, column, loss }, { expect, skip, onTestFinished }) => {
      const way = WAYS[name]!
      if (way === 'PID 1' && !canUnshare) return skip()
      const { lost, age, report } = LOSS.exec(loss)!.groups!
      const spool = column === '`spool`' ? { directory: await newFolder(onTestFinished) } : undefined
      const serviceName = `${heading}, ${name}, ${column}`
      const options: LoggerProviderOptions = {
        ...COLUMNS[column],
        endpoint: endpoint(),
        protocol: 'http/protobuf',
        serviceName,
        ...(spool && { spool }),
        // With a long delay, the spool alone keeps records that are older than 100 ms.
        ...(age === '100 ms' && { scheduledDelayMillis: 60_000 }),
      }
      const task = {
        options,
        older: OLDER,
        last: LAST,
        pause: age ? 'until older records are safe' : lost === 'all' ? LONGER_THAN_DELAY : 0,
      }
      const stderr = await run(way, task, onTestFinished)

      const isException = /exception|rejection/.test(way)
      const older = Array.from({ length: OLDER }, (_, n) => n)
      const latest = Array.from({ length: LAST }, (_, n) => OLDER + n)
      const exception = isException ? [way.startsWith('uncaught') ? 'uncaught' : 'unhandled'] : []
      const expected =
        lost === 'all' ? [] : [...older, ...(lost === undefined ? [...latest, ...exception] : [])]
      const delivered = (): unknown[] => [...(arrived.get(serviceName) ?? [])]
      function isDelivered(): void {
        expect(delivered()).toEqual(expect.arrayContaining(expected))
      }
      if (spool) await recover(options, isDelivered, onTestFinished)
      await vi.waitFor(isDelivered, WAIT)
      expect(delivered()).toHaveLength(expected.length)
      const count = OLDER + LAST + exception.length - expected.length
      const reported = REPORT.exec(stderr)?.groups?.['count']
      expect(reported, stderr).toBe(report === 'reported' ? String(count) : undefined)
    },
  )
})
