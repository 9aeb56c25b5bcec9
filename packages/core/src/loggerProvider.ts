import { END_TIMEOUT_MILLIS } from '@logbridge/bridge/internal'
import { resolveLogs } from './config/config.ts'
import type { LoggerProviderOptions } from './config/options.ts'
import { REGISTRATION } from './config/optionTable.ts'
import { resolveResource } from './config/resource.ts'
import { resolveOptions } from './config/settings.ts'
import { resolveShutdown } from './config/shutdown.ts'
import { createLoggerProviderFrom, type LogbridgeLoggerProvider } from './logs/provider.ts'
import { ownInstanceId } from './process/instanceId.ts'
import { withLongWaitNoted } from './process/longWait.ts'
import { onProcessExit } from './process/processExit.ts'
import { refuseInSnapshot } from './process/snapshot.ts'
import { limitMillis } from './process/timers.ts'
import { registerLoggerProvider } from './register.ts'

/**
 * Creates a LoggerProvider that encodes each record as OTLP at the call and delivers records in batches.
 *
 * @throws LogbridgeError `INVALID_OPTION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot
 * @example
 * ```ts
 * const loggerProvider = createLoggerProvider({ serviceName: 'shop', endpoint: 'http://collector:4317' })
 * ```
 */
export function createLoggerProvider(options: LoggerProviderOptions = {}): LogbridgeLoggerProvider {
  refuseInSnapshot('createLoggerProvider()')
  const config = resolveLogs(options, process.env)
  const { register } = resolveOptions(REGISTRATION, { ...options }, {})
  const { shutdownSignals, captureUncaughtExceptions, flushOnExit } = resolveShutdown(options, register)
  // An unregistered provider, such as the one in pino's worker, is no service instance.
  const resource = resolveResource(options, process.env, register ? ownInstanceId : undefined)
  const { abandon, spillSync, end, exitSource, unsent, ...inner } = createLoggerProviderFrom(config, resource)
  const provider = {
    ...inner,
    shutdown(timeoutMillis?: number) {
      unregister?.()
      const millis = limitMillis(timeoutMillis, END_TIMEOUT_MILLIS)
      const ended = (): Promise<void> => inner.shutdown(millis).finally(dispose)
      return (ending ??= withLongWaitNoted(ended(), () => [unsent()], millis))
    },
  }
  let ending: Promise<void> | undefined
  const dispose = onProcessExit(
    {
      ...inner,
      abandon,
      spillSync,
      end,
      exitSources: [exitSource],
      activity: () => inner.stats().created,
      unsent: () => [unsent()],
    },
    { shutdownSignals, exceptions: captureUncaughtExceptions ? inner : undefined, flushOnExit },
  )
  const unregister = register ? registerLoggerProvider(provider) : undefined
  return provider
}
