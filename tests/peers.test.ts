import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { bridgeConsole, type BridgeConsoleOptions } from '@logbridge/console'
import type { Backend, BackendSession, ConformanceRecord } from '@logbridge/bridge/conformance'
import { createLoggerProvider } from '@logbridge/core'
import { otelAppender } from '@logbridge/log4js'
import { otelStream } from '@logbridge/pino'
import { OtelTransport } from '@logbridge/winston'
import { context, diag, type LogRecord, type TimeInput, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BatchLogRecordProcessor, ConsoleLogRecordExporter, LoggerProvider } from '@opentelemetry/sdk-logs'
import log4js from 'log4js'
import pino from 'pino'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest'
import winston from 'winston'
import { sdk3, stopReceiver, viewer } from '@logbridge/test-support/backends'

// Defects of other bridges and of the official pipeline, observed by running them. Each test shows that logbridge has no such
// defect; a comment names the defect.

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager()))
afterAll(async () => {
  context.disable()
  await stopReceiver()
})

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const inSpan = (run: () => void): void => context.with(trace.setSpanContext(context.active(), SPAN), run)

/** Creates a bridged console without output, until the end of the test. */
function bridgedConsole(options: BridgeConsoleOptions): Console {
  const console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }))
  onTestFinished(bridgeConsole({ ...options, console }))
  return console
}

describe.each<Backend>([sdk3, viewer])('through $name', (backend) => {
  let session: BackendSession
  beforeEach(async () => {
    session = await backend.start()
  })
  afterEach(() => session.stop())

  async function record(): Promise<ConformanceRecord> {
    const [first, ...more] = await session.records()
    expect(more).toEqual([])
    return first!
  }
  function winstonLogger(): winston.Logger {
    const transports = [new OtelTransport({ loggerProvider: session.loggerProvider })]
    return winston.createLogger({ format: winston.format.splat(), transports })
  }
  const exceptionKeys = ({ attributes }: ConformanceRecord): string[] =>
    Object.keys(attributes).filter((key) => key.startsWith('exception.'))

  // Peer: sends an exception with the type 'world'.
  test('winston transport sends no exception when info() has an argument for its template', async () => {
    winstonLogger().info('hello %s', 'world')
    const arrived = await record()
    expect(arrived.body).toBe('hello world')
    expect(arrived.attributes).toEqual({})
  })

  // Peer: sends an exception of type 200.
  test('winston transport sends no exception when fields are called name and code', async () => {
    winstonLogger().info('login', { name: 'ada', code: 200 })
    expect((await record()).attributes).toEqual({ name: 'ada', code: 200 })
  })

  // Peer: sends each record once for each logger.
  test('winston transport sends each record once when loggers share an array of transports', async () => {
    const transports = [new OtelTransport({ loggerProvider: session.loggerProvider })]
    const loggers = [1, 2, 3].map(() => winston.createLogger({ transports }))
    for (const [index, logger] of loggers.entries()) logger.info(`of logger ${index}`)
    const bodies = (await session.records()).map(({ body }) => body)
    expect(bodies).toEqual(['of logger 0', 'of logger 1', 'of logger 2'])
  })

  // Peer: sends the id alone.
  test('winston transport sends Dates, Maps, and bigints beside an id', async () => {
    const when = new Date(0)
    const fields = { id: 7, at: when, m: new Map([['a', 1]]), items: [{ when }], ctx: { b: 10n } }
    winstonLogger().info('an order', fields)
    const { attributes } = await record()
    const iso = '1970-01-01T00:00:00.000Z'
    expect(attributes).toEqual({ id: 7, at: iso, m: { a: 1 }, items: [{ when: iso }], ctx: { b: 10 } })
  })

  // Peer: loses the whole batch.
  test('console bridge sends other records when one body is circular', async () => {
    const console = bridgedConsole({ loggerProvider: session.loggerProvider })
    const circular: Record<string, unknown> = { name: 'loop' }
    circular['self'] = circular
    for (let index = 0; index < 100; index += 1) {
      if (index === 50) console.log(circular)
      console.log(`good ${index}`)
    }
    const bodies = (await session.records()).map(({ body }) => body)
    expect(bodies).toHaveLength(101)
    expect(bodies[50]).toEqual({ name: 'loop', self: '[Circular]' })
  })

  // Peer: sends the changed body.
  test('console bridge sends a body as it was at the call when it changes later', async () => {
    const console = bridgedConsole({ loggerProvider: session.loggerProvider })
    const cart = { items: ['apple'] }
    console.log(cart)
    cart.items.push('pear')
    expect((await record()).body).toEqual({ items: ['apple'] })
  })

  // Peer: sends ECONNREFUSED as exception.type.
  test('winston transport sends the name of an Error as exception.type when the Error has a code', async () => {
    const error = Object.assign(new TypeError('refused'), { code: 'ECONNREFUSED' })
    winstonLogger().error('no connection', { error })
    const { attributes } = await record()
    expect(attributes['exception.type']).toBe('TypeError')
    expect(attributes['error']).toEqual({ code: 'ECONNREFUSED' })
  })

  // Peer: drops or flattens causes.
  test('winston transport sends the causes of an Error', async () => {
    const root = Object.assign(new RangeError('disk full'), { code: 'ENOSPC' })
    const error = new Error('not saved', { cause: new TypeError('not written', { cause: root }) })
    winstonLogger().error('request failed', { error })
    const { attributes } = await record()
    expect(attributes['error']).toMatchObject({
      cause: { type: 'TypeError', cause: { type: 'RangeError', message: 'disk full', code: 'ENOSPC' } },
    })
    expect(attributes['exception.stacktrace']).toMatch(
      /^Error: not saved\n[^]+\nCaused by: TypeError: not written\n[^]+\nCaused by: RangeError: disk full\n/,
    )
  })

  // Peer: drops exception attributes.
  test('winston transport keeps exception attributes when a record has more than 128 attributes', async () => {
    const fields = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`field${index}`, index]))
    winstonLogger().error('request failed', { ...fields, error: new Error('boom') })
    const arrived = await record()
    expect(exceptionKeys(arrived)).toEqual(['exception.type', 'exception.message', 'exception.stacktrace'])
    expect(Object.keys(arrived.attributes)).toHaveLength(128)
  })

  test.each([
    // Peer: ends the worker thread.
    ['isoTime', pino.stdTimeFunctions.isoTime],
    // Peer: sends a time three weeks in the future.
    ['unixTime', pino.stdTimeFunctions.unixTime],
  ])('pino stream sends the time when timestamp is pino.stdTimeFunctions.%s', async (_, timestamp) => {
    const before = Math.floor(Date.now() / 1000)
    pino({ timestamp }, otelStream({ loggerProvider: session.loggerProvider })).info('now')
    const [seconds] = (await record()).timestamp
    expect(seconds).toBeGreaterThanOrEqual(before)
    // unixTime rounds to the nearest second.
    expect(seconds).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000))
  })

  // Peer: sends the current time.
  test('pino stream sends the time of a custom timestamp function', async () => {
    const stream = otelStream({ loggerProvider: session.loggerProvider })
    pino({ timestamp: () => ',"time":"2023-11-14T22:13:20.123456789Z"' }, stream).info('then')
    expect((await record()).timestamp).toEqual([1_700_000_000, 123_456_789])
    pino({ timestamp: () => ',"time":"tea time"' }, stream).info('whenever')
    expect((await record()).attributes).toEqual({ time: 'tea time' })
  })

  // Peer: throws from the log call.
  test('winston transport sends a record when format.timestamp() writes text', async () => {
    const format = winston.format.timestamp({ format: 'YYYY-MM-DDTHH:mm:ssZ' })
    const transports = [new OtelTransport({ loggerProvider: session.loggerProvider })]
    winston.createLogger({ format, transports }).info('now')
    expect((await record()).body).toBe('now')
  })

  // Peer: none exists for log4js.
  test('log4js appender sends scope, severity, body, and trace context', async () => {
    const type = otelAppender({ loggerProvider: session.loggerProvider })
    log4js.configure({
      appenders: { otel: { type } },
      categories: { default: { appenders: ['otel'], level: 'info' } },
    })
    inSpan(() => log4js.getLogger('shop').warn('low on %s', 'tea'))
    await new Promise((resolve) => log4js.shutdown(resolve))
    const { scope, severityNumber, body, traceId, spanId } = await record()
    expect({ scope, severityNumber, body, traceId, spanId }).toEqual({
      scope: 'shop',
      severityNumber: 13,
      body: 'low on tea',
      traceId: SPAN.traceId,
      spanId: SPAN.spanId,
    })
  })
})

describe('Logger of core', () => {
  const emitted = async (
    record: LogRecord,
    run = (emit: () => void) => emit(),
  ): Promise<ConformanceRecord> => {
    const session = await viewer.start()
    onTestFinished(() => session.stop())
    run(() => session.loggerProvider.getLogger('shop').emit(record as never))
    const [arrived] = await session.records()
    return arrived!
  }

  // Peer: throws into the application.
  test('parses a timestamp that is text, and ignores text that is no time', async () => {
    const timestamp = '2023-11-14T22:13:20.123Z' as unknown as TimeInput
    expect((await emitted({ timestamp })).timestamp).toEqual([1_700_000_000, 123_000_000])
    expect((await emitted({ timestamp: 'tea time' as unknown as TimeInput, body: 'b' })).body).toBe('b')
  })

  // Peer: sends no trace context.
  test('sends the active trace context when context is undefined', async () => {
    const { traceId, spanId } = await emitted({ context: undefined as never }, inSpan)
    expect({ traceId, spanId }).toEqual({ traceId: SPAN.traceId, spanId: SPAN.spanId })
  })
})

describe('feedback of the export', () => {
  // Peer: turns one record into many.
  test('console bridge sends one record when ConsoleLogRecordExporter prints to the bridged console', async () => {
    let exported = 0
    class Counting extends ConsoleLogRecordExporter {
      override export(...args: Parameters<ConsoleLogRecordExporter['export']>): void {
        exported += args[0].length
        super.export(...args)
      }
    }
    const processor = new BatchLogRecordProcessor({ exporter: new Counting(), scheduledDelayMillis: 1 })
    const loggerProvider = new LoggerProvider({ processors: [processor] })
    // The exporter prints to the global console, whose original methods are muted.
    const methods = (['log', 'dir'] as const).map((name) => vi.spyOn(console, name).mockReturnValue())
    const restore = bridgeConsole({ loggerProvider })
    try {
      console.log('once')
      for (let round = 0; round < 5; round += 1) await loggerProvider.forceFlush()
    } finally {
      restore()
      for (const method of methods) method.mockRestore()
      await loggerProvider.shutdown()
    }
    expect(exported).toBe(1)
  })

  // Peer: logs a record for each failed export.
  test('winston transport sends no diagnostics of its export when diag logs to winston', async () => {
    const endpoint = 'http://127.0.0.1:1'
    const loggerProvider = createLoggerProvider({ endpoint, register: false, scheduledDelayMillis: 0 })
    const logger = winston.createLogger({ transports: [new OtelTransport({ loggerProvider })] })
    let diagnostics = 0
    const log = (message: string): void => {
      diagnostics += 1
      logger.warn(message)
    }
    diag.setLogger({ error: log, warn: log, info: log, debug: log, verbose: log })
    onTestFinished(() => diag.disable())
    logger.info('once')
    for (let round = 0; round < 5; round += 1) await loggerProvider.forceFlush(50)
    await loggerProvider.shutdown(0)
    expect(diagnostics).toBeGreaterThan(0)
    expect(loggerProvider.stats().created).toBe(1)
  })
})
