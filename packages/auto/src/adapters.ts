import { isMainThread } from 'node:worker_threads'
import { warnOnce } from '@logbridge/bridge/internal'
import type { Library } from './entryFiles.ts'
import { loadOptional } from './packages.ts'
import { startTelemetry } from './telemetry.ts'

interface Adapters {
  bunyan: typeof import('@logbridge/bunyan')
  log4js: typeof import('@logbridge/log4js')
  pino: typeof import('@logbridge/pino')
  winston: typeof import('@logbridge/winston')
}

/** Loads the adapter of a library; `undefined` where it is not installed or cannot be loaded. */
export function loadAdapter<Name extends Library>(library: Name): Adapters[Name] | undefined {
  const name = `@logbridge/${library}`
  try {
    const adapter = loadOptional(name) as Adapters[Name] | undefined
    if (adapter === undefined) {
      warnOnce(
        `auto-${library}`,
        `${library} records are not sent: run npm install ${name}, or set LOGBRIDGE_DISABLED=${library}`,
      )
    }
    return adapter
  } catch (error) {
    warnOnce(`auto-${library}`, `${library} records are not sent, because ${name} cannot be loaded`, error)
    return undefined
  }
}

let hasLogger = false

/** Does what the first logger of a process needs. */
export function loggerCreated(): void {
  hasLogger = true
  startTelemetry()
}

/** Says once why no log record arrives from a process without a logger, which prints by `console` alone. */
export function explainNoLogger(): void {
  if (hasLogger || !isMainThread) return
  warnOnce(
    'auto-no-logger',
    '@logbridge/auto finds no logger of winston, pino, bunyan, or log4js in this process. ' +
      'Calls of console are sent with @logbridge/console and LOGBRIDGE_CONSOLE=1',
  )
}
