import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LogbridgeError } from '@logbridge/bridge'
import { startViewer } from '@logbridge/viewer'
import { logs, metrics, trace } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createLoggerProvider, flushOnFreeze, startTelemetry, type Telemetry } from '../src/index.ts'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { start } from './programs.ts'
import { receiver } from './receive.ts'
import { NOTHING } from '@logbridge/test-support/stats'

const warnings = capturedWarnings()
const receiving = receiver()
const bodies = (): unknown[] => receiving.take().map(({ body }) => body)

describe('flushOnFreeze', () => {
  let telemetry: Telemetry
  beforeEach(() => {
    telemetry = startTelemetry({
      endpoint: receiving.grpcUrl(),
      logs: { scheduledDelayMillis: 600_000 },
      traces: { scheduledDelayMillis: 600_000 },
    })
  })
  afterEach(() => telemetry.shutdown(1000))
  const log = (body: string): void => logs.getLogger('l').emit({ body })
  const context = (millis: number) => ({ getRemainingTimeInMillis: () => millis, functionName: 'f' })

  test('returns the result after its log records are delivered when the handler is asynchronous', async () => {
    const handler = flushOnFreeze(async (event: { n: number }, given: object) => {
      log('before')
      await new Promise((resolve) => setImmediate(resolve))
      log('after')
      return { event, given }
    })
    const given = context(5000)
    expect(await handler({ n: 1 }, given)).toEqual({ event: { n: 1 }, given })
    expect(bodies()).toEqual(['before', 'after'])
  })

  test('sends spans and metrics when traces and metrics are on', async () => {
    const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    onTestFinished(() => viewer.close())
    await telemetry.shutdown()
    telemetry = startTelemetry({ endpoint: viewer.grpcUrl })
    const handler = flushOnFreeze(async () => {
      trace.getTracer('t').startSpan('work').end()
      metrics.getMeter('m').createCounter('jobs').add(1)
      log('hello')
    })
    await handler()
    expect(viewer.counts).toMatchObject({ logRecords: 1, spans: 1 })
    expect(viewer.counts.dataPoints).toBeGreaterThan(0)
  })

  test('returns the result at the timeout when the flush never ends', async () => {
    const endless: Telemetry = { ...telemetry, forceFlush: () => new Promise(() => {}) }
    const handler = flushOnFreeze(async () => 'result', { telemetry: endless, timeoutMillis: 1 })
    expect(await handler()).toBe('result')
  })

  test('rejects with the error of the handler, after its log records are delivered, when the handler throws or rejects', async () => {
    const error = new Error('mine')
    const rejects = flushOnFreeze(async () => {
      log('rejects')
      throw error
    })
    await expect(rejects()).rejects.toBe(error)
    expect(bodies()).toEqual(['rejects'])
    const throws = flushOnFreeze(() => {
      log('throws')
      throw error
    })
    await expect(throws()).rejects.toBe(error)
    expect(bodies()).toEqual(['throws'])
  })

  test('calls the callback after its log records are delivered when the handler takes a callback', async () => {
    const handler = flushOnFreeze(
      (event: string, _: object, callback: (error: Error | null, result: string) => void) => {
        setImmediate(() => {
          log('in a callback')
          callback(null, `${event}!`)
        })
      },
    )
    expect(handler).toHaveLength(3)
    const results = await new Promise((resolve) => {
      const returned = handler('hello', context(5000), (...given) => resolve([...given, bodies()]))
      expect(returned).toBeUndefined()
    })
    expect(results).toEqual([null, 'hello!', ['in a callback']])
  })

  test('returns the result at once and flushes when the handler returns no promise', async () => {
    const handler = flushOnFreeze((n: number) => {
      log('at once')
      return n + 1
    })
    expect(handler(1)).toBe(2)
    while (telemetry.stats().delivered === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(bodies()).toEqual(['at once'])
  })

  test('keeps the marker of awslambda.streamifyResponse when the handler streams its response', async () => {
    const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
    const streamed = Object.assign(
      async function stream(event: string, response: string[], _: object) {
        response.push(event)
        log('streamed')
      },
      { [STREAMING]: 'response', highWaterMark: 7 },
    )
    const handler = flushOnFreeze(streamed)
    const { [STREAMING]: marker, highWaterMark, name, length } = handler
    expect([marker, highWaterMark, name, length]).toEqual(['response', 7, 'stream', 3])
    const response: string[] = []
    await handler('chunk', response, context(5000))
    expect([response, bodies()]).toEqual([['chunk'], ['streamed']])
  })

  test('passes `this` and all arguments when the handler is called', async () => {
    const handler = flushOnFreeze(async function (this: unknown, ...args: unknown[]) {
      return [this, ...args]
    })
    const self = {}
    expect(await handler.call(self, 1, 2, undefined)).toEqual([self, 1, 2, undefined])
  })

  test('flushes a LoggerProvider when the option telemetry is a LoggerProvider', async () => {
    const provider = createLoggerProvider({
      endpoint: receiving.grpcUrl(),
      scheduledDelayMillis: 600_000,
      register: false,
    })
    const handler = flushOnFreeze(async () => provider.getLogger('l').emit({ body: 'own' }), {
      telemetry: provider,
    })
    await handler()
    expect(bodies()).toEqual(['own'])
    await provider.shutdown()
  })

  test('returns the result with a warning when the flush fails', async () => {
    const telemetry = { forceFlush: () => Promise.reject(new Error('no')) }
    expect(await flushOnFreeze(async () => 7, { telemetry })()).toBe(7)
    expect(warnings).toEqual(['the flush before a freeze failed: no'])
  })

  test.each([
    { timeoutMillis: 1500, remaining: 60_000, expected: 1500 },
    { timeoutMillis: 1500, remaining: 1000, expected: 800 },
    { timeoutMillis: 1500, remaining: 50, expected: 0 },
    { timeoutMillis: undefined, remaining: 60_000, expected: 2000 },
  ])(
    'flushes for $expected ms when the timeout is $timeoutMillis ms and the invocation has $remaining ms left',
    async ({ timeoutMillis, remaining, expected }) => {
      const given: unknown[] = []
      const telemetry = { forceFlush: async (millis?: number) => void given.push(millis) }
      await flushOnFreeze(async (_event: object, _context: object) => {}, { telemetry, timeoutMillis })(
        {},
        context(remaining),
      )
      expect(given).toEqual([expected])
    },
  )
})

test('flushOnFreeze returns the result at the timeout and keeps log records when the receiver is unreachable', async () => {
  const telemetry = startTelemetry({ endpoint: await unreachableUrl(), traces: false, metrics: false })
  const handler = flushOnFreeze(async () => logs.getLogger('l').emit({ body: 'hello' }), {
    timeoutMillis: 50,
  })
  await handler()
  expect(telemetry.stats()).toMatchObject({ created: 1, delivered: 0, dropped: NOTHING })
  await telemetry.shutdown(0)
})

test('flushOnFreeze warns once when no telemetry is running', async () => {
  const handler = flushOnFreeze(async () => 7)
  expect([await handler(), await handler()]).toEqual([7, 7])
  expect(warnings).toEqual([expect.stringMatching(/has nothing to flush: call startTelemetry\(\)/)])
})

test.each([
  [undefined],
  [{}],
  [() => {}, { timeoutMillis: -1 }],
  [() => {}, { telemetry: {} }],
  [() => {}, { timeout: 1 }],
])(
  'flushOnFreeze throws an error when handler or options are invalid: %j, %j',
  (handler, options?: object) => {
    expect(() => flushOnFreeze(handler as never, options)).toThrow(LogbridgeError)
  },
)

/** Starts the Runtime API of AWS Lambda, which sends events and receives results. */
async function startRuntime(onResult: (result: string) => void) {
  let waiting: ServerResponse | undefined
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET') {
      waiting = response
      server.emit('waiting')
      return
    }
    let body = ''
    for await (const chunk of request) body += String(chunk)
    onResult(body)
    response.end()
  }
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async invoke(event: string) {
      if (waiting === undefined) await once(server, 'waiting')
      waiting!.end(event)
      waiting = undefined
    },
  }
}

test('flushOnFreeze delivers all log records of each invocation when the process is frozen between invocations', async () => {
  const proxy = await startFaultProxy(receiving.grpcUrl())
  onTestFinished(() => proxy.close())
  /** Results, each with the log records that were delivered before. */
  const frozen: unknown[] = []
  const result = Promise.withResolvers<void>()
  let given = result
  const runtime = await startRuntime((text) => {
    program.kill('SIGSTOP')
    frozen.push([text, ...bodies()])
    given.resolve()
  })
  const program = start(
    `import { flushOnFreeze, startTelemetry } from '@logbridge/core'
    import { logs } from '@opentelemetry/api'
    startTelemetry({ endpoint: '${proxy.url}', traces: false, metrics: false, logs: { scheduledDelayMillis: 600_000 } })
    const logger = logs.getLogger('l')
    const handler = flushOnFreeze(async (event, context) => {
      logger.emit({ body: 'during ' + event })
      setTimeout(() => logger.emit({ body: 'in the background of ' + event }), 1)
      return 'done ' + event
    })
    for (;;) {
      const event = await (await fetch('${runtime.url}/next')).text()
      const context = { getRemainingTimeInMillis: () => 10_000 }
      await fetch('${runtime.url}/response', { method: 'POST', body: await handler(event, context) })
    }`,
  )
  async function invoke(event: string): Promise<void> {
    given = Promise.withResolvers()
    program.kill('SIGCONT')
    await runtime.invoke(event)
    await given.promise
  }

  await invoke('1')
  await invoke('2')
  proxy.reset()
  await invoke('3')
  program.kill('SIGKILL')
  await program.ended

  const background = frozen.flat().filter((item) => String(item).startsWith('in the background'))
  expect(background).toEqual(expect.arrayContaining(['in the background of 1', 'in the background of 2']))
  expect(frozen).toMatchObject([
    ['done 1', 'during 1'],
    expect.arrayContaining(['done 2', 'during 2']),
    expect.arrayContaining(['done 3', 'during 3']),
  ])
  expect(new Set(frozen.flat()).size).toBe(frozen.flat().length)
})
