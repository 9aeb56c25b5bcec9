import { mock } from 'node:test'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { createLoggerProvider, startTelemetry } from '../../src/index.ts'
import { run } from '../programs.ts'
import { receiver } from '../receive.ts'

const receiving = receiver()
capturedWarnings()

/** Everything that `vi.useFakeTimers` can replace, except what vitest needs itself. */
const FAKED = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
  'Date',
  'performance',
  'hrtime',
] as const

const jsdom = new URL('../fixtures/jsdom.cjs', import.meta.url)
/** Replaces the global timers, like fake timers that never advance. */
const FROZEN = `
  await import('@logbridge/core')
  const timer = { unref: () => timer, ref: () => timer, hasRef: () => false }
  Object.assign(globalThis, { setTimeout: () => timer, setInterval: () => timer, setImmediate: () => timer })`

test.each([
  ['grpc', receiving.grpcUrl],
  ['http/protobuf', receiving.httpUrl],
])(
  'createLoggerProvider delivers over %s and reports drops when it is loaded in a window of jsdom',
  async (protocol, url) => {
    const { code, stdout, stderr } = await run(jsdom, {
      args: [
        `const { createLoggerProvider } = require('@logbridge/core')
      async function deliver(endpoint, end) {
        const provider = createLoggerProvider({ maxQueueSize: 10, protocol: '${protocol}', endpoint })
        const logger = provider.getLogger('shop')
        logger.emit({ body: new Uint8Array([1, 2]), attributes: { when: new Date(0), map: new Map([['a', 1]]) } })
        for (let i = 1; i < 20; i += 1) logger.emit({ body: i })
        await end(provider)
        console.log(JSON.stringify(provider.stats()))
      }
      console.log(typeof setTimeout(() => {}), typeof setImmediate)
      void deliver('${url()}', async (provider) => {
        await provider.forceFlush()
        await provider.shutdown()
      }).then(() => deliver('${await unreachableUrl()}', (provider) => provider.shutdown(300)))`,
      ],
    })
    expect(code).toBe(0)
    const [globals, delivered, dropped] = stdout.split('\n')
    expect(globals).toBe('number undefined')
    expect(JSON.parse(delivered!)).toMatchObject({ created: 20, delivered: 8, queued: 0, inFlight: 0 })
    expect(JSON.parse(dropped!)).toMatchObject({
      created: 20,
      dropped: { queue_full: 12, shutdown_timeout: 8 },
    })
    expect(stderr).toContain('logbridge: dropped 12 log records: ')
    // The line of an outage names the 8 records in advance when the export has failed twice within the 300 ms.
    expect(stderr).toMatch(/dropped 20 log records: |dropping 8 log records unless /)
    const records = receiving.take()
    expect(records).toHaveLength(8)
    expect(records[0]).toMatchObject({ attributes: { when: '1970-01-01T00:00:00.000Z', map: { a: 1 } } })
  },
)

test('forceFlush and shutdown end at their deadlines when the global timers are fake', async () => {
  const { code, stdout } = await run(
    `${FROZEN}
    const { createLoggerProvider } = await import('@logbridge/core')
    const provider = createLoggerProvider()
    provider.getLogger('shop').emit({ body: 'hello' })
    await provider.forceFlush(50)
    await provider.shutdown(50)
    console.log('over')`,
    { env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() } },
  )
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'over\n' })
})

describe.each([
  [
    'mock.timers of node:test',
    () => {
      mock.timers.enable()
      return () => mock.timers.reset()
    },
  ],
  [
    'vi.useFakeTimers',
    () => {
      vi.useFakeTimers({ toFake: [...FAKED] })
      return () => vi.useRealTimers()
    },
  ],
])('with %s', (_, fake) => {
  test.each([
    ['grpc', receiving.grpcUrl],
    ['http/protobuf', receiving.httpUrl],
  ] as const)(
    'createLoggerProvider and startTelemetry deliver over %s within the timeout',
    async (protocol, url) => {
      onTestFinished(fake())
      const options = { endpoint: url(), protocol } as const
      const provider = createLoggerProvider({ ...options, register: false })
      provider.getLogger('shop').emit({ body: 'hello' })
      await provider.forceFlush(5000)
      expect(provider.stats().delivered).toBe(1)
      await provider.shutdown(5000)
      const telemetry = startTelemetry({ ...options, metrics: false })
      telemetry.loggerProvider.getLogger('shop').emit({ body: 'hello' })
      await telemetry.shutdown(5000)
      expect(telemetry.stats().delivered).toBe(1)
      receiving.take()
    },
  )

  test.each(['grpc', 'http/protobuf'] as const)(
    'shutdown ends at its deadline when no receiver listens to %s',
    async (protocol) => {
      const endpoint = await unreachableUrl()
      onTestFinished(fake())
      const telemetry = startTelemetry({ endpoint, protocol })
      telemetry.loggerProvider.getLogger('shop').emit({ body: 'hello' })
      telemetry.tracerProvider.getTracer('shop').startSpan('order').end()
      await telemetry.forceFlush(50)
      await telemetry.shutdown(50)
      expect(telemetry.stats()).toMatchObject({ dropped: { shutdown_timeout: 1 } })
    },
  )
})
