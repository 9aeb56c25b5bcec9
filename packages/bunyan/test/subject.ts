import type { Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import bunyan from 'bunyan'
import bunyan1 from 'bunyan1'
import type * as source from '../src/index.ts'

type Method = bunyan.LogLevelString

function subjectLogger(log: bunyan): SubjectLogger {
  return {
    log: (level, message, fields) =>
      fields ? log[level as Method](fields, message) : log[level as Method](message),
    logError: (error) => log.error(error),
    logErrorWith: (message, error) => log.error({ err: error }, message),
    format: (template, ...parameters) => log.info(template, ...parameters),
    child: (bindings) => subjectLogger(log.child(bindings)),
    close() {
      // A bunyan logger has no end.
    },
  }
}

/** @param adapter its source, or the package as it is installed somewhere */
export function createSubject(
  { otelStream }: Pick<typeof source, 'otelStream'>,
  library: typeof bunyan = bunyan,
): Subject {
  return {
    library: 'bunyan',
    callSite: import.meta.url,
    levels: { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 },
    scope: 'shop',
    errorKey: 'err',
    unsupported: {
      'record.customLevels': 'bunyan has six levels',
      'error.subclass': 'bunyan serializes a bare Error before a stream sees it and keeps only its name',
      'option.captureTemplate': 'bunyan formats a message before a stream sees it',
    },
    create: (options) =>
      subjectLogger(
        library.createLogger({
          name: 'shop',
          level: 'trace',
          streams: [otelStream(options as source.OtelStreamOptions)],
        }),
      ),
  }
}

export function createOldestSubject(adapter: Parameters<typeof createSubject>[0]): Subject {
  return { ...createSubject(adapter, bunyan1), name: 'bunyan 1.8' }
}
