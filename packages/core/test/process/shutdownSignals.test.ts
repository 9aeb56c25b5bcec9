import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { LogbridgeError } from '@logbridge/bridge'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createLoggerProvider, startTelemetry } from '../../src/index.ts'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { type Ended, type Program, start } from '../programs.ts'
import { receiver } from '../receive.ts'
import { startGrpcReceiver } from '@logbridge/test-support/scriptedReceiver'

const receiving = receiver()
const SIGNAL_EXIT = import.meta.resolve('signal-exit')

/** Logs a record, prints `ready`, and keeps running. */
function program(shutdownSignals: readonly string[], more = ''): string {
  return `
import { createLoggerProvider, startTelemetry } from '@logbridge/core'
import { logs } from '@opentelemetry/api'
import { createRequire } from 'node:module'
import { onExit } from '${SIGNAL_EXIT}'
const shutdownSignals = ${JSON.stringify(shutdownSignals)}
const telemetry = startTelemetry({
  traces: false, metrics: false, logs: { scheduledDelayMillis: 600_000 }, shutdownSignals,
})
const logger = logs.getLogger('l')
logger.emit({ body: 'hello' })
setInterval(() => {}, 1000)
process.on('exit', (code) => console.log('exit', code))
${more}
console.log('ready')`
}

async function ready(code: string, endpoint = receiving.grpcUrl()): Promise<Program> {
  const running = start(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } })
  await running.printed('ready')
  return running
}

async function signalled(
  code: string,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<Ended & { bodies: unknown[] }> {
  const running = await ready(code)
  running.kill(signal)
  const ended = await running.ended
  return { ...ended, bodies: receiving.take().map(({ body }) => body) }
}

describe('shutdownSignals without handlers of the application', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    'sends every record and ends the process by %s',
    async (signal) => {
      expect(await signalled(program([signal]), signal)).toEqual({
        code: signal,
        stdout: 'ready\n',
        stderr: '',
        bodies: ['hello'],
      })
    },
  )

  test.each([{ signals: [] }, { signals: ['SIGINT'] }])(
    'ignores a signal that is not listed: $signals',
    async ({ signals }) => {
      expect(await signalled(program(signals))).toMatchObject({ code: 'SIGTERM', bodies: [] })
    },
  )

  test(
    'ends the process at the deadline and reports lost records when the receiver is unreachable',
    { tags: 'long' },
    async () => {
      const endpoint = await unreachableUrl()
      const running = await ready(program(['SIGTERM']), endpoint)
      running.kill('SIGTERM')
      const ended = await running.ended
      expect(ended).toMatchObject({ code: 'SIGTERM', stdout: 'ready\n' })
      expect(ended.stderr).toMatch(
        /^logbridge: .* dropping 1 log record unless an export succeeds within 3 s .*\n$/,
      )
      expect(ended.stderr).toContain(`export to ${endpoint} failed`)
    },
  )

  test(
    'ends the process at the deadline when the application keeps logging with flushOnExit',
    { tags: 'long' },
    async () => {
      const code = program(['SIGTERM'], `setInterval(() => logger.emit({ body: 'more' }), 20)`)
      const running = await ready(
        code.replace('shutdownSignals,\n', 'shutdownSignals, flushOnExit: true,\n'),
        await unreachableUrl(),
      )
      running.kill('SIGTERM')
      const ended = await running.ended
      expect(ended).toMatchObject({ code: 'SIGTERM', stdout: 'ready\n' })
      expect(ended.stderr.match(/unless an export succeeds within . s/g)).toEqual([
        'unless an export succeeds within 3 s',
      ])
      expect(ended.stderr).not.toContain('still waiting')
    },
  )

  test.each([
    ['SIGINT', ''],
    ['SIGTERM', ''],
    ['SIGTERM', ', also with flushOnExit'],
  ] as const)('ends the process immediately at a second signal (SIGINT, then %s)%s', async (second, also) => {
    // The server accepts the connection and never answers, so the flush would take its 3 seconds.
    const silent = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const late = `setTimeout(() => console.log('late'), 4000)`
    const code = program(['SIGINT', 'SIGTERM'], late).replace(
      'shutdownSignals,\n',
      `shutdownSignals, flushOnExit: ${also !== ''},\n`,
    )
    const running = await ready(code, `http://127.0.0.1:${(silent.address() as AddressInfo).port}`)
    running.kill('SIGINT')
    const [socket] = (await once(silent, 'connection')) as [NodeJS.Socket]
    socket.resume().on('error', () => {})
    running.kill(second)
    const ended = await running.ended
    expect(ended).toMatchObject({ code: second, stdout: 'ready\n' })
    expect(ended.stderr).toContain('when the process ended: 1 log record.')
    expect(ended.stderr).not.toContain('at most 2 s')
  })

  test('sends the records of several providers and both copies of the package', async () => {
    const more = `
      createLoggerProvider({ register: false, shutdownSignals }).getLogger('l').emit({ body: 'second' })
      const other = createRequire(import.meta.url)('@logbridge/core')
      other.createLoggerProvider({ register: false, shutdownSignals }).getLogger('l').emit({ body: 'third' })`
    const { code, bodies } = await signalled(program(['SIGTERM'], more))
    expect(code).toBe('SIGTERM')
    expect(new Set(bodies)).toEqual(new Set(['hello', 'second', 'third']))
    expect(bodies).toHaveLength(3)
  })

  test('works with the package signal-exit in either order', async () => {
    const listen = `onExit((code, signal) => console.log('signal-exit', signal))`
    for (const code of [
      program(['SIGTERM'], listen),
      program(['SIGTERM']).replace('const telemetry', `${listen}\nconst telemetry`),
    ]) {
      expect(await signalled(code)).toMatchObject({
        code: 'SIGTERM',
        stdout: 'ready\nsignal-exit SIGTERM\n',
        bodies: ['hello'],
      })
    }
  })

  test.each([{ flushOnExit: false }, { flushOnExit: true }])(
    'sends records that are logged during its flush, with flushOnExit $flushOnExit',
    async ({ flushOnExit }) => {
      const server = await startGrpcReceiver()
      onTestFinished(() => server.close())
      const more = `process.stdin.on('data', (data) => { logger.emit({ body: String(data) }); console.log('logged', String(data)) })`
      const code = program(['SIGTERM'], more).replace(
        'shutdownSignals,\n',
        `shutdownSignals, flushOnExit: ${flushOnExit},\n`,
      )
      const running = start(code, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: server.url }, stdin: 'pipe' })
      await running.printed('ready')
      server.answer = async (_, n) => {
        if (n > (flushOnExit ? 2 : 1)) return {}
        running.write(`late-${n}`)
        await running.printed(`logged late-${n}`)
        return {}
      }
      running.kill('SIGTERM')
      expect(await running.ended).toMatchObject({ code: 'SIGTERM', stderr: '' })
      const bodies = server.requests.flatMap(({ body }) => body.toString('latin1').match(/late-\d/g) ?? [])
      expect(bodies).toEqual(flushOnExit ? ['late-1', 'late-2'] : ['late-1'])
    },
  )

  test('sends every record when the application shuts telemetry down meanwhile', async () => {
    expect(await signalled(program(['SIGTERM'], 'telemetry.shutdown()'))).toMatchObject({
      code: 'SIGTERM',
      bodies: ['hello'],
    })
  })
})

describe('shutdownSignals with handlers of the application', () => {
  const LATER = `setTimeout(() => process.exit(3), 500)`
  test.each([
    ['added before', `on('SIGTERM', () => { console.log('mine'); ${LATER} })`, true],
    ['added after', `on('SIGTERM', () => { console.log('mine'); ${LATER} })`, false],
    ['called once, added before', `once('SIGTERM', () => { console.log('mine'); ${LATER} })`, true],
    ['called once, added after', `once('SIGTERM', () => { console.log('mine'); ${LATER} })`, false],
  ])('sends every record and keeps their exit code when they are %s', async (_, handler, before) => {
    const add = `process.${handler}`
    const code = before
      ? program(['SIGTERM']).replace('const telemetry', `${add}\nconst telemetry`)
      : program(['SIGTERM'], add)
    expect(await signalled(code)).toEqual({
      code: 3,
      stdout: 'ready\nmine\nexit 3\n',
      stderr: '',
      bodies: ['hello'],
    })
  })

  test('keeps the process running when a handler does', async () => {
    const running = await ready(program(['SIGTERM'], `process.on('SIGTERM', () => console.log('no'))`))
    running.kill('SIGTERM')
    await running.printed('no')
    while (receiving.take().length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    running.kill('SIGKILL')
    expect((await running.ended).code).toBe('SIGKILL')
  })

  test('reports unsent records when a handler exits immediately', async () => {
    const ended = await signalled(program(['SIGTERM'], `process.on('SIGTERM', () => process.exit(4))`))
    expect(ended).toMatchObject({ code: 4, stdout: 'ready\nexit 4\n', bodies: [] })
    expect(ended.stderr).toContain('when the process ended: 1 log record.')
  })

  test('sends every record when an asynchronous handler shuts telemetry down', async () => {
    const more = `process.on('SIGTERM', async () => {
      logger.emit({ body: 'stopping' })
      await telemetry.shutdown()
      process.exit(5)
    })`
    const { bodies, ...ended } = await signalled(program(['SIGTERM'], more))
    expect(ended).toEqual({ code: 5, stdout: 'ready\nexit 5\n', stderr: '' })
    expect(bodies).toEqual(['hello', 'stopping'])
  })
})

test('shutdownSignals registers no listener in a worker thread', async () => {
  const worker = `
    const { startTelemetry } = require('@logbridge/core')
    startTelemetry({ traces: false, metrics: false, shutdownSignals: ['SIGTERM'] })
    console.log('listeners', process.listenerCount('SIGTERM'))`
  const running = start(
    `const { Worker } = require('node:worker_threads')
    new Worker(${JSON.stringify(worker)}, { eval: true })`,
    { type: 'commonjs' },
  )
  expect(await running.ended).toEqual({ code: 0, stdout: 'listeners 0\n', stderr: '' })
})

test('shutdown removes every listener of the process', async () => {
  const events = ['SIGTERM', 'SIGINT', 'beforeExit', 'exit', 'newListener', 'uncaughtExceptionMonitor']
  const count = (): number[] => events.map((event) => process.listenerCount(event))
  const before = count()
  const shutdownSignals = ['SIGTERM', 'SIGINT'] as const
  for (let n = 0; n < 20; n += 1) {
    const telemetry = startTelemetry({ endpoint: receiving.grpcUrl(), shutdownSignals })
    expect(count()).not.toEqual(before)
    await telemetry.shutdown()
    const provider = createLoggerProvider({ endpoint: receiving.grpcUrl(), shutdownSignals })
    await Promise.all([provider.shutdown(), provider.shutdown()])
  }
  expect(count()).toEqual(before)
})

test.each([['SIGKILL'], ['SIGPIPE'], ['TERM'], 'SIGTERM', true])(
  'shutdownSignals rejects %j',
  (shutdownSignals) => {
    expect(() => startTelemetry({ shutdownSignals: shutdownSignals as never })).toThrow(LogbridgeError)
  },
)
