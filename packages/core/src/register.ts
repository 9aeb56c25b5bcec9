import type { LoggerProvider as AnyLoggerProvider } from '@logbridge/bridge'
import { warnOnce, replayBufferedRecords } from '@logbridge/bridge/internal'
import { type LoggerProvider, logs } from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'

/**
 * Registers the global LoggerProvider of both generations of the Logs API (`@opentelemetry/api` >= 1.10 and
 * `@opentelemetry/api-logs`), which do not know of each other, and hands it the records that were kept for it.
 * A provider that is already registered stays.
 *
 * @returns unregisters it where it is still registered
 */
export function registerLoggerProvider(provider: LoggerProvider): () => void {
  const refused: string[] = []
  if (!logs.setGlobalLoggerProvider(provider)) refused.push('@opentelemetry/api')
  if (!isSame(logs2x.setGlobalLoggerProvider(provider), provider)) refused.push('@opentelemetry/api-logs')
  if (refused.length > 0) {
    warnOnce(
      'already-registered',
      `another LoggerProvider (or another version of the API) is already registered with ${refused.join(' and ')} and ` +
        'stays there: give adapters the new one as their loggerProvider, or start it before the other',
    )
  }
  replayBufferedRecords()
  return () => {
    if (isSame(logs.getLoggerProvider(), provider)) logs.disable()
    if (isSame(logs2x.getLoggerProvider(), provider)) logs2x.disable()
  }
}

function isSame(registered: AnyLoggerProvider, provider: AnyLoggerProvider): boolean {
  return registered === provider
}
