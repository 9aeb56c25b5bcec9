import type { Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import pino from 'pino'
import pino9 from 'pino9'
import type * as source from '../src/index.ts'

const JSON_ONLY = 'pino hands over JSON:'

type Logger = pino.Logger<'notice' | 'audit'>

function subjectLogger(logger: Logger): SubjectLogger {
  return {
    log(level, message, fields) {
      const method = level as pino.Level
      if (fields) logger[method](fields, message)
      else logger[method](message)
    },
    logError: (error) => logger.error(error),
    logErrorWith: (message, error) => logger.error(error, message),
    format: (template, ...parameters) => logger.info(template, ...(parameters as [])),
    child: (bindings) => subjectLogger(logger.child(bindings)),
    close() {
      // A pino logger has no end.
    },
  }
}

const TEMPLATE = { 'option.captureTemplate': 'pino formats a message before a stream sees it' }

/**
 * @param adapter its source, or the package as it is installed somewhere
 * @param own options of the adapter beside those of a test
 */
export function createSubject(
  { otelStream }: Pick<typeof source, 'otelStream'>,
  library: typeof pino = pino,
  own: source.OtelStreamOptions = {},
): Subject {
  return {
    library: 'pino',
    callSite: import.meta.url,
    levels: { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 },
    customLevels: { notice: 11, audit: 23 },
    errorKey: 'err',
    unsupported: TEMPLATE,
    create: (options) =>
      subjectLogger(
        library(
          { level: 'trace', customLevels: { notice: 35, audit: 65 } },
          otelStream({ ...options, ...own }),
        ),
      ),
  }
}

export function createOldestSubject(adapter: Parameters<typeof createSubject>[0]): Subject {
  return { ...createSubject(adapter, pino9 as unknown as typeof pino), name: 'pino 9' }
}

/** The adapter when it reads each line, as in pino's worker. */
export function createLineSubject(adapter: Parameters<typeof createSubject>[0]): Subject {
  return {
    ...createSubject(adapter, pino, { source: 'line' }),
    name: 'pino by line',
    unsupported: {
      ...TEMPLATE,
      'value.map': `${JSON_ONLY} a Map is {}`,
      'value.set': `${JSON_ONLY} a Set is {}`,
      'value.bytes': `${JSON_ONLY} bytes are an object of numbers`,
      'value.notFinite': `${JSON_ONLY} NaN and Infinity are null`,
      'value.invalidDate': `${JSON_ONLY} an invalid Date is null`,
      'value.regexp': `${JSON_ONLY} a RegExp is {}`,
      'value.instance': `${JSON_ONLY} a Map in a class instance is {}`,
      'value.boxed': `${JSON_ONLY} beside a bigint, boxed primitives are {}`,
      'value.mutatedBytes': `${JSON_ONLY} bytes are an object of numbers`,
      'value.error': `${JSON_ONLY} an Error that no serializer is for is {}`,
      'value.getter': `${JSON_ONLY} an object with a getter that throws is left out by pino as a whole`,
      'value.proxy': `${JSON_ONLY} an object with a revoked Proxy is left out by pino as a whole`,
      'error.cause': "pino's serializer writes causes into message and stack only",
    },
  }
}
