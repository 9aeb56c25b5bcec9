import { Console } from 'node:console'
import { Writable } from 'node:stream'
import type { Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import type * as source from '../src/index.ts'

type Level = 'trace' | 'debug' | 'info' | 'log' | 'warn' | 'error'

/**
 * A console of Node's that writes nowhere.
 * @param adapter its source, or the package as it is installed somewhere
 */
export function createSubject({ bridgeConsole }: Pick<typeof source, 'bridgeConsole'>): Subject {
  return {
    library: 'console',
    callSite: import.meta.url,
    levels: { trace: 1, debug: 5, info: 9, log: 9, warn: 13, error: 17 },
    unsupported: {
      'record.customLevels': 'a console has no levels of the user’s own',
      'record.child': 'a console has no child loggers',
    },
    create(options): SubjectLogger {
      const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
      const console = new Console(nowhere)
      const restore = bridgeConsole({ ...(options as source.BridgeConsoleOptions), console })
      return {
        log(level, message, fields) {
          if (fields) console[level as Level](message, fields)
          else console[level as Level](message)
        },
        logError: (error) => console.error(error),
        logErrorWith: (message, error) => console.error(message, error),
        format: (template, ...parameters) => console.info(template, ...parameters),
        close: restore,
      }
    },
  }
}
