/* Signals to an application that logs through pino's worker: real processes, real workers, counted at a receiver. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLoggerProvider } from '@logbridge/core'
import { startViewer, type Viewer } from '@logbridge/viewer'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { flushOnSignals } from '../src/index.ts'

const APPLICATION = fileURLToPath(new URL('fixtures/signals.mjs', import.meta.url))
const KILLS = 50
const WAIT = { timeout: 30_000, interval: 20 }

interface Scenario {
  library: 'pino' | 'pino9'
  shape: 'single' | 'targets' | 'pipeline' | 'multistream'
  /** Options of the transport. */
  options: object
  /** Options of `flushOnSignals`; none is called without. */
  watched?: object | undefined
  handler?: 'exit' | 'stay'
  stopAfter?: number
  /** Logs before the worker is ready. */
  isEarly?: boolean
}

interface Application {
  readonly run: number
  readonly child: ChildProcess
  /** Times of logging by the number of a record. */
  readonly logged: Map<number, number>
  printed(text: string): Promise<void>
  readonly ended: Promise<{ code: number | string; stderr: string }>
}

let viewer: Viewer
let output: string
/** The numbers that have arrived, by run. */
const received = new Map<number, Set<number>>()
let duplicates = 0
let runs = 0

beforeEach(async () => {
  output = await mkdtemp(join(tmpdir(), 'logbridge-pino-output-'))
  received.clear()
  duplicates = 0
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  viewer.on('logs', (records) => {
    for (const { attributes } of records) {
      const { run, n } = attributes as { run: number; n: number }
      const numbers = received.get(run) ?? new Set()
      received.set(run, numbers)
      if (numbers.has(n)) duplicates += 1
      numbers.add(n)
    }
  })
})
afterEach(async () => {
  await viewer.close()
  await rm(output, { recursive: true })
})

function start(scenario: Scenario): Application {
  const run = ++runs
  const { options, ...rest } = scenario
  const given = { endpoint: viewer.grpcUrl, scheduledDelayMillis: 600_000, ...options }
  // To a file, because a synchronous write to a pipe fails when the pipe is full.
  const file = join(output, String(run))
  const stdout = openSync(file, 'w')
  const args = [APPLICATION, JSON.stringify({ ...rest, run, options: given })]
  const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'pipe'] })
  closeSync(stdout)
  onTestFinished(() => void child.kill('SIGKILL'))
  const logged = new Map<number, number>()
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code, signal]) => {
    for (const [, number, at] of readFileSync(file, 'utf8').matchAll(/^(\d+) ([\d.]+)$/gm))
      logged.set(Number(number), Number(at))
    return { code: (code ?? signal) as number | string, stderr }
  })
  return {
    run,
    child,
    logged,
    printed: (text) => vi.waitFor(() => expect(readFileSync(file, 'utf8')).toContain(text), WAIT),
    ended,
  }
}

/** Kills an application some time after its worker is ready. */
async function kill(application: Application, signal: NodeJS.Signals, afterMillis: number): Promise<unknown> {
  await application.printed('ready')
  await new Promise((resolve) => setTimeout(resolve, afterMillis))
  application.child.kill(signal)
  const { code } = await application.ended
  return code
}

async function segmentsIn(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('.seg'))
}

/** Sends what ended processes have left. */
async function recover(directory: string): Promise<void> {
  const provider = createLoggerProvider({ endpoint: viewer.grpcUrl, register: false, spool: { directory } })
  await vi.waitFor(async () => expect(await segmentsIn(directory)).toEqual([]), WAIT)
  await provider.shutdown()
}

/** Lists the numbers that were logged and have not arrived. */
function missing({ run, logged }: Application): number[] {
  expect(logged.size, 'records that were logged').toBeGreaterThan(0)
  return [...logged.keys()].filter((number) => !received.get(run)?.has(number))
}

const scenarios = (['single', 'targets', 'pipeline'] as const).flatMap((shape) =>
  (['pino', 'pino9'] as const).map((library) => ({ library, shape })),
)

describe('flushOnSignals', () => {
  const watched = {}

  test.each(scenarios)('loses nothing when a signal comes: $library, $shape', async (scenario) => {
    const application = start({ ...scenario, options: {}, watched })
    expect(await kill(application, 'SIGTERM', 100)).toBe('SIGTERM')
    expect(missing(application)).toEqual([])
    expect(duplicates).toBe(0)
    expect(await application.ended).toEqual({ code: 'SIGTERM', stderr: '' })
  })

  test(
    `loses nothing when each of ${KILLS} processes is killed at another moment`,
    { tags: 'long' },
    async () => {
      for (let count = 0; count < KILLS; count += 1) {
        const signal = count % 2 === 0 ? 'SIGTERM' : 'SIGINT'
        const application = start({ ...scenarios[count % scenarios.length]!, options: {}, watched })
        expect(await kill(application, signal, (count * 37) % 200)).toBe(signal)
        expect(missing(application)).toEqual([])
      }
      expect(duplicates).toBe(0)
    },
  )

  test.each(['pino', 'pino9'] as const)(
    'loses nothing when the signal comes before the worker of %s is ready',
    async (library) => {
      const application = start({ library, shape: 'single', options: {}, watched, isEarly: true })
      expect(await kill(application, 'SIGTERM', 10)).toBe('SIGTERM')
      expect(missing(application)).toEqual([])
    },
  )

  test.each(scenarios)(
    'loses nothing when the receiver is unreachable and there is a spool: $library, $shape',
    { tags: 'long' },
    async (scenario) => {
      const directory = join(output, 'spool')
      // Port 9, discard, has no listener.
      const options = { endpoint: 'http://127.0.0.1:9', spool: { directory } }
      const application = start({ ...scenario, options, watched: { flushTimeoutMillis: 500 } })
      expect(await kill(application, 'SIGTERM', 100)).toBe('SIGTERM')
      await recover(directory)
      expect(missing(application)).toEqual([])
    },
  )

  test('flushes the worker when the worker is in a multistream', async () => {
    const application = start({ library: 'pino', shape: 'multistream', options: {}, watched })
    await kill(application, 'SIGTERM', 100)
    expect(missing(application)).toEqual([])
  })

  test('does nothing when the signal is not among its signals', async () => {
    const options = { signals: ['SIGINT'] }
    const application = start({ library: 'pino', shape: 'single', options: {}, watched: options })
    expect(await kill(application, 'SIGTERM', 100)).toBe('SIGTERM')
    expect(received.size).toBe(0)
  })

  test('sends all records when a handler of the application decides the exit code', async () => {
    const application = start({ library: 'pino', shape: 'single', options: {}, watched, handler: 'exit' })
    expect(await kill(application, 'SIGTERM', 100)).toBe(3)
    expect(missing(application)).toEqual([])
  })

  test('sends and continues when a handler of the application keeps the process alive', async () => {
    const options = { library: 'pino', shape: 'targets', options: {}, watched, stopAfter: 10 } as const
    const application = start({ ...options, handler: 'stay' })
    await application.printed('\n9 ')
    application.child.kill('SIGTERM')
    await vi.waitFor(() => expect(received.get(application.run)?.size).toBe(10), WAIT)
    await application.printed('stays')
    application.child.kill('SIGKILL')
    expect((await application.ended).code).toBe('SIGKILL')
  })

  describe('when the receiver never answers', () => {
    /** Takes connections, and the first bytes of each. */
    async function silent(): Promise<{ url: string; connected: Promise<unknown> }> {
      const sockets = new Set<NodeJS.Socket>()
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.resume().on('error', () => {})
      }).listen(0, '127.0.0.1')
      onTestFinished(() => {
        server.close()
        for (const socket of sockets) (socket as unknown as { destroy(): void }).destroy()
      })
      await once(server, 'listening')
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        connected: once(server, 'connection'),
      }
    }

    test('ends the process, and counts the lost records', { tags: 'long' }, async () => {
      const { url } = await silent()
      const options = { options: { endpoint: url }, watched: { flushTimeoutMillis: 1500 }, stopAfter: 10 }
      const application = start({ library: 'pino', shape: 'single', ...options })
      await application.printed('\n9 ')
      application.child.kill('SIGTERM')
      const { code, stderr } = await application.ended
      expect(code).toBe('SIGTERM')
      expect(stderr).toMatch(
        /^logbridge: still waiting for pino's worker to send log records, at most 1500 ms$/m,
      )
      expect(stderr).toMatch(/^logbridge: .*\b10\b/m)
    })

    test('ends the process at once when a second signal comes', async () => {
      const { url, connected } = await silent()
      const options = { options: { endpoint: url }, watched: { flushTimeoutMillis: 600_000 }, stopAfter: 10 }
      const application = start({ library: 'pino', shape: 'single', ...options })
      await application.printed('\n9 ')
      application.child.kill('SIGTERM')
      await connected
      application.child.kill('SIGTERM')
      expect((await application.ended).code).toBe('SIGTERM')
    })
  })

  test('throws when a logger has no transport in a worker', () => {
    for (const given of [pino({}, { write() {} }), {}, pino.multistream([{ stream: process.stdout }])]) {
      expect(() => flushOnSignals(given)).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: expect.stringContaining('shutdownSignals'),
        }),
      )
    }
  })

  test.each([
    ['signals', ['SIGKILL']],
    ['flushTimeoutMillis', -1],
    ['timeoutMillis', 100],
  ])('throws when the option %s is wrong', (name, value) => {
    expect(() => flushOnSignals(pino({}, { write() {} }), { [name]: value })).toThrow(name)
  })

  test('leaves no listener when it is stopped or the stream is closed', async () => {
    const listeners = (): number => process.listenerCount('SIGTERM')
    const before = listeners()
    const transport = pino.transport({ target: 'pino/file', options: { destination: '/dev/null' } })
    const stop = flushOnSignals(pino({}, transport))
    expect(listeners()).toBe(before + 1)
    stop()
    expect(listeners()).toBe(before)
    flushOnSignals(transport)
    expect(listeners()).toBe(before + 1)
    transport.end()
    await once(transport, 'close')
    expect(listeners()).toBe(before)
  })
})

describe("pino's worker with a spool", () => {
  test(
    `loses what was logged within the last 100 ms alone when each of ${KILLS} processes is killed`,
    { tags: 'long' },
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'logbridge-pino-signals-'))
      onTestFinished(() => rm(directory, { recursive: true, force: true }))
      const applications: Application[] = []
      for (let count = 0; count < KILLS; count += 1) {
        const signal = count % 2 === 0 ? 'SIGTERM' : 'SIGKILL'
        const scenario = scenarios[count % scenarios.length]!
        const own = join(directory, String(count))
        const application = start({ ...scenario, options: { spool: { directory: own } } })
        // The first record makes the directory.
        await vi.waitFor(async () => expect(await segmentsIn(own)).not.toEqual([]), WAIT)
        expect(await kill(application, signal, (count * 37) % 200)).toBe(signal)
        applications.push(application)
      }
      expect(received.size).toBe(0)

      for (const name of await readdir(directory)) {
        await recover(join(directory, name))
      }
      expect(received.size).toBe(KILLS)
      for (const application of applications) {
        const times = [...application.logged.values()]
        const end = times.at(-1)!
        // Delay of the main thread on this machine, which the worker and the disk have as well.
        const lag = Math.max(...times.map((time, index) => time - (times[index - 1] ?? time)))
        const ages = missing(application).map((number) => end - application.logged.get(number)!)
        expect(Math.max(0, ...ages)).toBeLessThan(100 + 3 * lag)
      }
    },
  )
})
