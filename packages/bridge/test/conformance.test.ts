import { test } from 'vitest'
import { conformance, type Subject, type SubjectLogger } from '../src/conformance.ts'
import { createPlainLogger, type PlainLogger } from './plainLogger.ts'

function subjectLogger(logger: PlainLogger, bindings?: Record<string, unknown>): SubjectLogger {
  return {
    log: (level, message, fields) =>
      logger.log(level, message, bindings ? { ...bindings, ...fields } : fields),
    logError: (error) => logger.log('high', error),
    logErrorWith: (message, error) => logger.log('high', message, { error }),
    format: (template, ...parameters) => logger.log('middle', template, {}, ...parameters),
    child: (more) => subjectLogger(logger, { ...bindings, ...more }),
    close() {
      // This logger holds nothing open.
    },
  }
}

const subject: Subject = {
  library: 'plain',
  callSite: import.meta.url,
  levels: { low: 5, middle: 9, high: 17 },
  customLevels: { own: 12 },
  create: (options) => subjectLogger(createPlainLogger(options)),
}

conformance(test, subject)
