import { resolveLogs } from './config/config.ts'
import type { LoggerProviderOptions } from './config/options.ts'
import { REGISTRATION } from './config/optionTable.ts'
import { resolveResource } from './config/resource.ts'
import { resolveOptions } from './config/settings.ts'
import { resolveShutdown } from './config/shutdown.ts'
import {
  createLoggerProviderFrom,
  type LogbridgeLoggerProvider,
  type ManagedLoggerProvider,
} from './logs/provider.ts'
import { ownInstanceId } from './process/instanceId.ts'
import { onProcessExit } from './process/processExit.ts'
import { createShutdown } from './process/shutdown.ts'
import { checkStart } from './process/startChecks.ts'
import { registerLoggerProvider } from './register.ts'

/**
 * Creates a LoggerProvider that encodes each record as OTLP at the call and delivers records in batches.
 *
 * @throws LogbridgeError `INVALID_OPTION`; `NODE_VERSION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot
 * @example
 * ```ts
 * const loggerProvider = createLoggerProvider({ serviceName: 'shop', endpoint: 'http://collector:4317' })
 * ```
 */
export function createLoggerProvider(options: LoggerProviderOptions = {}): LogbridgeLoggerProvider {
  checkStart('createLoggerProvider()')
  return startLoggerProvider(options).provider
}

/** Creates a LoggerProvider, registers it, and handles the end of the process. */
export function startLoggerProvider(
  options: LoggerProviderOptions,
): Pick<ManagedLoggerProvider, 'provider' | 'forward'> {
  const config = resolveLogs(options, process.env)
  const { register } = resolveOptions(REGISTRATION, { ...options }, {})
  const { shutdownSignals, captureUncaughtExceptions, flushOnExit } = resolveShutdown(options, register)
  // An unregistered provider, such as the one in pino's worker, is no service instance.
  const resource = resolveResource(options, process.env, register ? ownInstanceId : undefined)
  const { provider: inner, exitHandler, ...others } = createLoggerProviderFrom(config, resource)
  const shutdown = createShutdown((timeoutMillis) => {
    unregister?.()
    return inner.shutdown(timeoutMillis).finally(() => dispose())
  }, exitHandler.unsent)
  const provider: LogbridgeLoggerProvider = {
    ...inner,
    // Rest parameters make `length` 0: see `forceFlush` of telemetry.ts.
    shutdown: (...limit) => shutdown.begin(...limit),
  }
  const exceptions = captureUncaughtExceptions ? provider : undefined
  const dispose = onProcessExit(exitHandler, { shutdownSignals, exceptions, flushOnExit })
  const unregister = register ? registerLoggerProvider(provider) : undefined
  return { provider, ...others }
}
