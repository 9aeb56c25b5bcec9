import { format } from 'node:util'
import { LogbridgeError } from '@logbridge/bridge'
import { END_TIMEOUT_MILLIS, warnOnce, oneLine, writeToStderr } from '@logbridge/bridge/internal'
import {
  createNoopLogger,
  createNoopMeter,
  diag,
  type LoggerProvider,
  type MeterProvider,
  ProxyTracerProvider,
  type TracerProvider,
} from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { resolveTelemetry, type TelemetryConfig } from './config/config.ts'
import { FLUSH_TIMEOUT_MILLIS } from './config/shutdown.ts'
import type { TelemetryOptions } from './config/options.ts'
import { registerGlobals } from './globals.ts'
import { onProcessExit } from './process/processExit.ts'
import { limitMillis, within } from './process/timers.ts'
import type { SignalPipeline } from './signals/signalPipeline.ts'
import { createLoggerProviderFrom } from './logs/provider.ts'
import { ownInstanceId } from './process/instanceId.ts'
import { type Unsent, withLongWaitNoted } from './process/longWait.ts'
import { refuseInSnapshot } from './process/snapshot.ts'
import { EMPTY_STATS, type LogsStats } from './queue/stats.ts'
import { createMetrics } from './signals/metrics.ts'
import { resolveResource } from './config/resource.ts'
import { createTraces } from './signals/traces.ts'

/** Logs, traces and metrics at work. */
export interface Telemetry {
  /** A provider that does nothing where the signal is off; likewise the other two. */
  readonly loggerProvider: LoggerProvider
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  /** The account of all log records so far. */
  stats(): LogsStats
  /**
   * Sends what all three signals have so far. Resolves when it is sent or the time is up, and never rejects: one
   * receiver that is away must not keep the application from going on. What went wrong is said on stderr and to diag.
   * @param timeoutMillis default 30000
   */
  forceFlush(timeoutMillis?: number): Promise<void>
  /**
   * Flushes and ends all three signals, and unregisters them, so that `startTelemetry` can be called again. Resolves
   * as `forceFlush` does; a second call gives the promise of the first. After a second one line on stderr tells what is
   * waited for.
   * @param timeoutMillis default 3000
   */
  shutdown(timeoutMillis?: number): Promise<void>
}

/** The same for logs, which know no `close`: they have ended when their shutdown has. */
type SignalEnding = Pick<SignalPipeline<unknown>, 'forceFlush' | 'shutdown'> & { close?(): Promise<unknown> }

/** How long metrics wait for the end of the logs at a shutdown: their receiver may be another, and not away. */
const ACCOUNT_MILLIS = 1000
/** Exports that are given up end at once; this is for the SDK's own doings. */
const CLOSE_MILLIS = 1000

/** An ESM and a CommonJS copy of this module can meet in one process. */
const RUNNING = Symbol.for('logbridge.telemetry.1')
const processWide = globalThis as { [RUNNING]?: Telemetry | undefined }

/** The Telemetry of this process (of this worker), while it runs. */
export function runningTelemetry(): Telemetry | undefined {
  return processWide[RUNNING]
}

/**
 * Sets up logs, traces and metrics on one resource and one endpoint, and registers them as OpenTelemetry's globals.
 * Everything can be said by option or by the standard `OTEL_*` variables; an option wins. Traces and metrics are the
 * official SDK's. What is still unsent when the process has nothing left to do is flushed.
 *
 * ```ts
 * const telemetry = startTelemetry({ serviceName: 'shop', endpoint: 'http://collector:4317' })
 * ```
 * @throws LogbridgeError `INVALID_OPTION`; `ALREADY_STARTED` when the Telemetry of an earlier call has not been shut down;
 * `STARTUP_SNAPSHOT` while Node builds one
 */
export function startTelemetry(options: TelemetryOptions = {}): Telemetry {
  refuseInSnapshot('startTelemetry()')
  if (processWide[RUNNING]) {
    throw new LogbridgeError(
      'ALREADY_STARTED',
      'startTelemetry() has been called before in this process: call shutdown() on what it returned first, or use that',
    )
  }
  const config = resolveTelemetry(options, process.env)
  const resource = resolveResource(options, process.env, ownInstanceId)
  const metrics = config.metrics && createMetrics(config.metrics, resource)
  const traces = config.traces && createTraces(config.traces, resource)
  const logs =
    config.logs && createLoggerProviderFrom({ ...config.logs, meterProvider: metrics?.provider }, resource)
  const stopDiag = startDiag(config.diagLogLevel)
  const signals: readonly (readonly [string, SignalEnding])[] = Object.entries({
    logs,
    traces,
    metrics,
  }).flatMap(([name, signal]) => (signal ? [[name, signal as SignalEnding] as const] : []))
  const providers = {
    ...(logs && { loggerProvider: logs }),
    ...(traces && { tracerProvider: traces.provider }),
    ...(metrics && { meterProvider: metrics.provider }),
  }
  const unregister = registerGlobals(config.propagators, providers)
  const disableInstrumentations = enableInstrumentations(config.instrumentations, providers)

  const stats = (): LogsStats => logs?.stats() ?? EMPTY_STATS
  const activity = (): number => stats().created + (traces?.endedSpans() ?? 0)
  const unsent = (): (Unsent | undefined)[] => [logs?.unsent(), traces?.unsent(), metrics?.unsent()]
  const pending = (): number => (traces?.unsent()?.count ?? 0) + (metrics?.unsent()?.count ?? 0)
  const abandon = (): void => {
    logs?.abandon?.()
    traces?.abandon()
    metrics?.abandon()
  }
  const { shutdownSignals = [], captureUncaughtExceptions = true, flushOnExit } = options
  const forget = onProcessExit(
    {
      forceFlush,
      abandon,
      stats,
      activity,
      pending,
      unsent,
      spillSync: () => logs?.spillSync?.(),
      end: () => logs?.end?.(),
      exitSources: [logs?.exitSource, traces?.exitSource],
    },
    { shutdownSignals, exceptions: captureUncaughtExceptions ? logs : undefined, flushOnExit },
  )
  let ending: Promise<void> | undefined

  function forceFlush(timeoutMillis?: number): Promise<void> {
    if (ending) return ending
    const millis = limitMillis(timeoutMillis, FLUSH_TIMEOUT_MILLIS)
    const flushes = signals.map(([name, signal]) => [name, signal.forceFlush(millis)] as const)
    return settled(millis, 'flushed', flushes)
  }

  async function end(timeoutMillis: number): Promise<void> {
    disableInstrumentations()
    unregister()
    if (processWide[RUNNING] === telemetry) processWide[RUNNING] = undefined
    const logsEnded = logs?.shutdown(timeoutMillis)
    const shutdowns = signals.map(([name, signal]) => [name, shutdownOf(name, signal)] as const)
    await settled(timeoutMillis, 'shut down', shutdowns)
    // Logs give the promise of their first shutdown: its account is final a moment after the deadline.
    const closes = signals.map(([name, signal]) => [name, signal.close?.() ?? signal.shutdown(0)] as const)
    await settled(CLOSE_MILLIS, 'closed', closes)
    forget()
    stopDiag()

    async function shutdownOf(name: string, signal: SignalEnding): Promise<void> {
      // Metrics come last: they tell the account of the logs.
      const millis = Math.min(ACCOUNT_MILLIS, timeoutMillis / 2)
      if (name === 'metrics' && logsEnded) await within(millis, [logsEnded])
      await signal.shutdown(timeoutMillis)
    }
  }

  const telemetry: Telemetry = {
    loggerProvider: logs ?? { getLogger: () => createNoopLogger() },
    tracerProvider: traces?.provider ?? new ProxyTracerProvider(),
    meterProvider: metrics?.provider ?? { getMeter: () => createNoopMeter() },
    stats,
    forceFlush,
    shutdown(timeoutMillis) {
      const millis = limitMillis(timeoutMillis, END_TIMEOUT_MILLIS)
      return (ending ??= withLongWaitNoted(end(millis), unsent, millis))
    },
  }
  processWide[RUNNING] = telemetry
  return telemetry
}

/** Waits for all of them, or for the time to be up; tells of those that failed. */
function settled(
  timeoutMillis: number,
  done: string,
  parts: readonly (readonly [string, Promise<unknown>])[],
): Promise<void> {
  const all = parts.map(([name, part]) =>
    part.catch((error: unknown) =>
      // The SDK rejects with an array where it has several processors.
      warnOnce(`${done}-${name}`, `${name} could not be ${done}`, Array.isArray(error) ? error[0] : error),
    ),
  )
  return within(timeoutMillis, all)
}

/** OTEL_LOG_LEVEL has OpenTelemetry's own messages printed, unless the application has set a logger for them. */
function startDiag(logLevel: TelemetryConfig['diagLogLevel']): () => void {
  const api = (globalThis as Record<symbol, { diag?: unknown } | undefined>)[
    Symbol.for('opentelemetry.js.api.1')
  ]
  if (logLevel === undefined || api?.diag !== undefined) return () => {}
  // Not DiagConsoleLogger: the console of a process whose stderr is closed ends the process.
  const print = (...args: unknown[]): void => writeToStderr(`${oneLine(format(...args))}\n`)
  const logger = { error: print, warn: print, info: print, debug: print, verbose: print }
  diag.setLogger(logger, { logLevel })
  return () => diag.disable()
}

function enableInstrumentations(
  instrumentations: TelemetryConfig['instrumentations'],
  providers: {
    loggerProvider?: LoggerProvider
    tracerProvider?: TracerProvider
    meterProvider?: MeterProvider
  },
): () => void {
  return registerInstrumentations({ instrumentations: [...instrumentations], ...providers })
}
