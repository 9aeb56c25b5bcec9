/** The lines of pino and bunyan give the records that their adapters give, for each behavior that a line can carry. */
import { conformance, type Subject, type SubjectLogger } from '@logbridge/bridge/conformance'
import type { BridgeOptions } from '@logbridge/bridge'
import { createMemoryLoggerProvider, type MemoryLogRecord } from '@logbridge/bridge/testing'
import { otelStream as bunyanStream, traceContext as bunyanTraceContext } from '@logbridge/bunyan'
import { otelStream as pinoStream, traceContext as pinoTraceContext } from '@logbridge/pino'
import bunyan from 'bunyan'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createLineBridge, createLineReader } from '../src/index.ts'

/** Creates a stream of lines that the pipe reads. */
function createPipe({ severity, ...options }: BridgeOptions): { write(line: string): void } {
  const bridge = createLineBridge(options)
  const reader = createLineReader({
    severity,
    onRecord: (record) => record.format !== 'otlp' && bridge.emit(record),
  })
  return {
    write(line) {
      reader.write(Buffer.from(line))
      reader.flush()
    },
  }
}

const JSON_ONLY = 'a line is JSON:'
const SERIALIZER = "bunyan's serializer writes message, name, stack, code, and signal only"
/** Behaviors that no line can carry. */
const NO_LINE: Subject['unsupported'] = {
  'value.map': `${JSON_ONLY} a Map is {}`,
  'value.set': `${JSON_ONLY} a Set is {}`,
  'value.bytes': `${JSON_ONLY} bytes are an object of numbers`,
  'value.notFinite': `${JSON_ONLY} NaN and Infinity are null`,
  'value.invalidDate': `${JSON_ONLY} an invalid Date is null`,
  'value.regexp': `${JSON_ONLY} a RegExp is {}`,
  'value.instance': `${JSON_ONLY} a Map in a class instance is {}`,
  'value.mutatedBytes': `${JSON_ONLY} bytes are an object of numbers`,
  'value.error': `${JSON_ONLY} an Error that no serializer is for is {}`,
  'value.boxed': `${JSON_ONLY} boxed primitives are {}`,
  'value.proxy': `${JSON_ONLY} a revoked Proxy has none`,
  'context.fields': 'a line has one span: the ids among its fields',
  'option.captureTemplate': 'a line has the formatted message',
  'option.captureCode': 'a line has no call site',
}

function pinoLogger(logger: pino.Logger<'notice' | 'audit'>): SubjectLogger {
  return {
    log(level, message, fields) {
      const method = level as pino.Level
      if (fields) logger[method](fields, message)
      else logger[method](message)
    },
    logError: (error) => logger.error(error),
    logErrorWith: (message, error) => logger.error(error, message),
    format: (template, ...parameters) => logger.info(template, ...(parameters as [])),
    child: (bindings) => pinoLogger(logger.child(bindings)),
    close() {},
  }
}

function bunyanLogger(log: bunyan): SubjectLogger {
  return {
    log: (level, message, fields) =>
      fields
        ? log[level as bunyan.LogLevelString](fields, message)
        : log[level as bunyan.LogLevelString](message),
    logError: (error) => log.error(error),
    logErrorWith: (message, error) => log.error({ err: error }, message),
    format: (template, ...parameters) => log.info(template, ...parameters),
    child: (bindings) => bunyanLogger(log.child(bindings)),
    close() {},
  }
}

const levels = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 } as const

conformance(test, {
  library: 'pino',
  name: 'lines of pino',
  callSite: import.meta.url,
  levels,
  errorKey: 'err',
  unsupported: {
    ...NO_LINE,
    'record.customLevels': 'a line has the number of a level, without its name',
    'value.getter': `${JSON_ONLY} an object with a getter that throws is left out by pino as a whole`,
    'error.cause': "pino's serializer writes causes into message and stack only",
  },
  create: (options) =>
    pinoLogger(
      pino(
        pinoTraceContext({ level: 'trace', customLevels: { notice: 35, audit: 65 } }),
        createPipe(options),
      ),
    ),
})

conformance(test, {
  library: 'bunyan',
  name: 'lines of bunyan',
  callSite: import.meta.url,
  levels,
  scope: 'shop',
  errorKey: 'err',
  unsupported: {
    ...NO_LINE,
    'record.customLevels': 'bunyan has six levels',
    'value.bigint': `${JSON_ONLY} bunyan throws`,
    'value.int64': `${JSON_ONLY} bunyan throws`,
    'value.hugeBigint': `${JSON_ONLY} bunyan throws`,
    'error.fields': SERIALIZER,
    'error.cause': SERIALIZER,
    'error.aggregate': SERIALIZER,
    'error.subclass': SERIALIZER,
  },
  create: (options) =>
    bunyanLogger(
      bunyan.createLogger({
        name: 'shop',
        level: 'trace',
        serializers: bunyan.stdSerializers,
        streams: [{ stream: bunyanTraceContext(createPipe(options)) }],
      }),
    ),
})

/** Attributes that an adapter leaves out when they are those of its process, which the pipe cannot know. */
const OWN = new Set(['pid', 'hostname'])

function comparable({ observedTimestamp: _, attributes, ...record }: MemoryLogRecord): object {
  return {
    ...record,
    attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => !OWN.has(key))),
  }
}

/** Calls that a line carries whole. */
function logAll(log: SubjectLogger): void {
  log.log('info', 'service started')
  log.log('warn', 'stock is low', {
    order_id: 42,
    customer: { id: 7, tags: ['new', 'vip'] },
    none: null,
    share: 0.5,
  })
  log.log('debug', 'größe ü 漢字 🎉', {
    level: 'own',
    time: 'later',
    name: 'other',
    err: 'text',
    'otel.event.name': 'e',
  })
  log.log('fatal', '', { big: 9_007_199_254_740_993n.toString() })
  log.logErrorWith('could not charge', Object.assign(new TypeError('no'), { code: 'E_CHARGE' }))
  log.logError(new RangeError('alone'))
  log.child!({ request_id: 'r-1' }).log('trace', 'of a child', { own: 1 })
}

test('the lines of pino give the records of @logbridge/pino', () => {
  const [byAdapter, byLine] = [createMemoryLoggerProvider(), createMemoryLoggerProvider()]
  const streams = pino.multistream([
    { level: 'trace', stream: pinoStream({ loggerProvider: byAdapter, source: 'line' }) },
    { level: 'trace', stream: createPipe({ loggerProvider: byLine }) },
  ])
  logAll(pinoLogger(pino({ name: 'shop', level: 'trace', customLevels: { notice: 35, audit: 65 } }, streams)))
  expect(byLine.records.map(comparable)).toEqual(byAdapter.records.map(comparable))
})

test('the lines of bunyan give the records of @logbridge/bunyan', () => {
  const [byAdapter, byLine] = [createMemoryLoggerProvider(), createMemoryLoggerProvider()]
  const log = bunyan.createLogger({
    name: 'shop',
    level: 'trace',
    serializers: bunyan.stdSerializers,
    streams: [
      bunyanStream({ loggerProvider: byAdapter }),
      { level: 'trace', stream: createPipe({ loggerProvider: byLine }) as unknown as NodeJS.WritableStream },
    ],
  })
  logAll(bunyanLogger(log))
  expect(byLine.records.map(comparable)).toEqual(byAdapter.records.map(comparable))
})
