import type { Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import log4js from 'log4js'
import type * as source from '../src/index.ts'

function subjectLogger(logger: log4js.Logger): SubjectLogger {
  return {
    log: (level, message, fields) => logger.log(level, message, ...(fields ? [fields] : [])),
    logError: (error) => logger.error(error),
    logErrorWith: (message, error) => logger.error(message, error),
    format: (template, ...parameters) => logger.info(template, ...parameters),
    child(bindings) {
      const child = log4js.getLogger(logger.category)
      for (const [key, value] of Object.entries(bindings)) child.addContext(key, value)
      return subjectLogger(child)
    },
    close: () => new Promise<void>((resolve) => log4js.shutdown(() => resolve())),
  }
}

/**
 * log4js is configured for the whole process: one logger at a time.
 * @param adapter its source, or the package as it is installed somewhere
 */
export function createSubject({ otelAppender }: Pick<typeof source, 'otelAppender'>): Subject {
  return {
    library: 'log4js',
    callSite: import.meta.url,
    levels: { TRACE: 1, DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17, FATAL: 21, MARK: 9 },
    customLevels: { NOTICE: 11, AUDIT: 19, PANIC: 24 },
    scope: 'shop',
    create(options) {
      log4js.configure({
        levels: {
          NOTICE: { value: 25_000, colour: 'green' },
          AUDIT: { value: 45_000, colour: 'red' },
          PANIC: { value: 90_000, colour: 'red' },
        },
        appenders: { otel: { type: otelAppender(options as source.OtelAppenderOptions) } },
        categories: { default: { appenders: ['otel'], level: 'ALL' } },
      })
      return subjectLogger(log4js.getLogger('shop'))
    },
  }
}
