import type { LoggerProvider as AnyLoggerProvider } from '@logbridge/bridge'
import { noteShutdown, replayBufferedRecords, warnOnce } from '@logbridge/bridge/internal'
import { type LoggerProvider, logs } from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'

/**
 * Registers the global LoggerProvider in both generations of the Logs API, `@opentelemetry/api` >= 1.10 and
 * `@opentelemetry/api-logs`, because each has its own global. Then replays the startup buffer. A LoggerProvider that is already
 * registered stays registered.
 *
 * @param onOccupied called with the packages in which another LoggerProvider is registered. Default: one warning
 * @returns a function that unregisters this LoggerProvider wherever it is still registered
 */
export function registerLoggerProvider(
  provider: LoggerProvider,
  onOccupied: (packages: readonly string[]) => void = warnOccupied,
): () => void {
  const occupied: string[] = []
  if (!logs.setGlobalLoggerProvider(provider)) occupied.push('@opentelemetry/api')
  if (!isSame(logs2x.setGlobalLoggerProvider(provider), provider)) occupied.push('@opentelemetry/api-logs')
  if (occupied.length > 0) onOccupied(occupied)
  replayBufferedRecords()
  return () => {
    const isRegistered = isSame(logs.getLoggerProvider(), provider)
    const isRegistered2x = isSame(logs2x.getLoggerProvider(), provider)
    if (isRegistered) logs.disable()
    if (isRegistered2x) logs2x.disable()
    if (isRegistered || isRegistered2x) noteShutdown()
  }
}

function warnOccupied(packages: readonly string[]): void {
  warnOnce(
    'already-registered',
    `another LoggerProvider (or another version of the API) is already registered in ${packages.join(' and ')} ` +
      'and stays registered: pass the new LoggerProvider to the adapters as their option loggerProvider, ' +
      'or create the new LoggerProvider before the other',
  )
}

function isSame(registered: AnyLoggerProvider, provider: AnyLoggerProvider): boolean {
  return registered === provider
}
