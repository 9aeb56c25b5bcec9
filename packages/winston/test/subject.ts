import winston from 'winston'
import winston30 from 'winston30'
import type { Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import type { OtelTransportOptions } from '../src/index.ts'

/** Exports of the adapter's source or of an installed package. */
interface Adapter {
  OtelTransport: new (options: OtelTransportOptions) => winston.transport
}

function subjectLogger(logger: winston.Logger): SubjectLogger {
  return {
    log(level, message, fields) {
      if (fields) logger.log(level, message, fields)
      else logger.log(level, message)
    },
    logError: (error) => void logger.error(error),
    logErrorWith: (message, error) => void logger.error(message, error),
    format: (template, ...parameters) => void logger.info(template, ...parameters),
    child: (bindings) => subjectLogger(logger.child(bindings)),
    close: () => void logger.close(),
  }
}

/** winston with its npm levels and one custom level. */
export function createSubject({ OtelTransport }: Adapter, library: typeof winston = winston): Subject {
  const levels = { ...library.config.npm.levels, notable: 1.5 }
  return {
    library: 'winston',
    callSite: import.meta.url,
    levels: { error: 17, warn: 13, info: 9, http: 7, verbose: 6, debug: 5, silly: 1 },
    customLevels: { notable: 11 },
    // logger.error('text', error) puts an Error's own fields among the record's.
    errorKey: '',
    create(options) {
      const transport = new OtelTransport(options as OtelTransportOptions)
      const format = library.format.splat()
      return subjectLogger(library.createLogger({ level: 'silly', levels, format, transports: [transport] }))
    },
  }
}

/** Oldest version of winston 3. Its types differ in details. */
export function createOldestSubject(adapter: Adapter): Subject {
  return {
    ...createSubject(adapter, winston30 as unknown as typeof winston),
    name: 'winston 3.0.0',
    // format.splat() of this version puts the first object on the record under this key as well.
    errorKey: 'meta',
    unsupported: { 'record.child': 'since winston 3.2' },
  }
}
