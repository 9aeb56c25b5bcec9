import { format } from 'node:util'
import { LogbridgeError } from '@logbridge/bridge'
import {
  instrumentImports,
  noteDiagPrints,
  oneLine,
  registeredDiagLogger,
  warn,
  warnOnce,
  writeToStderr,
} from '@logbridge/bridge/internal'
import {
  createNoopLogger,
  createNoopMeter,
  diag,
  DiagLogLevel,
  type LoggerProvider,
  type MeterProvider,
  ProxyTracerProvider,
  type TracerProvider,
} from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { resolveTelemetry, type TelemetryConfig } from './config/config.ts'
import { shownDestination } from './config/file.ts'
import { FLUSH_TIMEOUT_MILLIS, resolveShutdown } from './config/shutdown.ts'
import type { TelemetryOptions } from './config/options.ts'
import { registerGlobals } from './globals.ts'
import { onProcessExit } from './process/processExit.ts'
import { limitMillis, type TimeLimit, within } from './process/timers.ts'
import type { SignalPipeline } from './signals/signalPipeline.ts'
import { IDLE_EXIT_HANDLER } from './logs/exitHandler.ts'
import { createLoggerProviderFrom } from './logs/provider.ts'
import { ownInstanceId } from './process/instanceId.ts'
import { describeUnsent, type Unsent } from './process/longWait.ts'
import { createShutdown } from './process/shutdown.ts'
import { checkStart } from './process/startChecks.ts'
import { shareWithWorkers } from './config/workerOptions.ts'
import { EMPTY_STATS, type LogsStats } from './queue/counters.ts'
import { createMetrics } from './signals/metrics.ts'
import { resolveResource } from './config/resource.ts'
import { createTraces } from './signals/traces.ts'

/** Running logs, traces and metrics. */
export interface Telemetry {
  /** LoggerProvider; does nothing when logs are off. */
  readonly loggerProvider: LoggerProvider
  /** TracerProvider; does nothing when traces are off. */
  readonly tracerProvider: TracerProvider
  /** MeterProvider; does nothing when metrics are off. */
  readonly meterProvider: MeterProvider
  /** Returns the counts of all log records so far. */
  stats(): LogsStats
  /**
   * Sends all telemetry of the three signals that was recorded before the call. Failures are reported on stderr and to diag.
   *
   * @param limit default 30000
   * @returns a promise that never rejects, because an unreachable receiver must not stop the application
   * @throws LogbridgeError `INVALID_OPTION`
   * @example
   * ```ts
   * await telemetry.forceFlush({ timeoutMillis: 5000 })
   * ```
   */
  forceFlush(limit?: TimeLimit): Promise<void>
  /**
   * Flushes, ends and unregisters all three signals, so that `startTelemetry` can be called again. A wait of more than one
   * second is reported on stderr.
   *
   * @param limit default 3000
   * @returns the same promise for each call; never rejects
   * @throws LogbridgeError `INVALID_OPTION`
   */
  shutdown(limit?: TimeLimit): Promise<void>
}

/** Flush and shutdown of one signal. Logs have no `close` because their shutdown ends them. */
type SignalShutdown = Pick<SignalPipeline<unknown>, 'forceFlush' | 'shutdown'> &
  Partial<Pick<SignalPipeline<unknown>, 'close' | 'unsent'>>

/** Time that metrics wait for the shutdown of logs, whose final counts they export. */
const FINAL_COUNTS_MILLIS = 1000
/** Time that the SDK has to close after its exports were aborted. */
const CLOSE_MILLIS = 1000

/** An ESM and a CommonJS copy of this module can meet in one process. */
const RUNNING = Symbol.for('logbridge.telemetry.1')
/** Telemetry that `@logbridge/auto` has started. The configuration in code takes its place. */
const AUTOMATIC = Symbol.for('logbridge.telemetry.automatic.1')
const processWide = globalThis as { [RUNNING]?: Telemetry | undefined; [AUTOMATIC]?: Telemetry | undefined }

/** Returns the running Telemetry of this process, or of this worker thread. */
export function runningTelemetry(): Telemetry | undefined {
  return processWide[RUNNING]
}

/**
 * Sets up logs, traces and metrics with one resource and one endpoint, and registers them as OpenTelemetry's globals.
 * Options win over the standard `OTEL_*` variables. Traces and metrics are those of the official SDK. Unsent telemetry is
 * flushed when the process has nothing left to do.
 *
 * @throws LogbridgeError `INVALID_OPTION`; `ALREADY_STARTED` when the Telemetry of an earlier call has not been shut down;
 * `NODE_VERSION`; `STARTUP_SNAPSHOT` while Node.js builds a startup snapshot
 * @example
 * ```ts
 * const telemetry = startTelemetry({ serviceName: 'shop', endpoint: 'http://collector:4317' })
 * ```
 */
export function startTelemetry(options: TelemetryOptions = {}): Telemetry {
  checkStart('startTelemetry()')
  const running = processWide[RUNNING]
  // Shutdown unregisters at once, and sends what was recorded.
  if (running && running === processWide[AUTOMATIC]) void running.shutdown()
  else if (running) {
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
  const loggerProvider = logs?.provider
  const stopDiag = startDiag(config.diagLogLevel)
  const signals: readonly (readonly [string, SignalShutdown])[] = Object.entries({
    logs: loggerProvider,
    traces,
    metrics,
  }).flatMap(([name, signal]) => (signal ? [[name, signal as SignalShutdown] as const] : []))
  const providers = {
    ...(loggerProvider && { loggerProvider }),
    ...(traces && { tracerProvider: traces.provider }),
    ...(metrics && { meterProvider: metrics.provider }),
  }
  const unregister = registerGlobals(config.propagators, providers)
  const disableInstrumentations = registerInstrumentations({
    instrumentations: [...config.instrumentations],
    ...providers,
  })
  instrumentImports(config.instrumentations.flat())
  const withdraw =
    options.logs === false ? () => {} : shareWithWorkers(options, options.logs ?? {}, config.logs?.exporter)

  const exitHandler = logs?.exitHandler ?? IDLE_EXIT_HANDLER
  const stats = (): LogsStats => loggerProvider?.stats() ?? EMPTY_STATS
  const activity = (): number => stats().created + (traces?.endedSpans() ?? 0)
  const unsent = (): (Unsent | undefined)[] => [...exitHandler.unsent(), traces?.unsent(), metrics?.unsent()]
  const pending = (): number => (traces?.unsent()?.count ?? 0) + (metrics?.unsent()?.count ?? 0)
  /** Lost spans and metrics. The counters of logs report lost records at a shutdown. */
  const lost = (): (Unsent | undefined)[] => [traces?.lost(), metrics?.lost()]
  const abandon = (): void => {
    exitHandler.abandon()
    traces?.abandon()
    metrics?.abandon()
  }
  const { shutdownSignals, captureUncaughtExceptions, flushOnExit } = resolveShutdown(options, true)
  const dispose = onProcessExit(
    {
      ...exitHandler,
      forceFlush,
      abandon,
      activity,
      pending,
      unsent,
      lost: () => [...exitHandler.lost(), ...lost()],
      exitSources: [...exitHandler.exitSources, traces?.exitSource],
    },
    { shutdownSignals, exceptions: captureUncaughtExceptions ? loggerProvider : undefined, flushOnExit },
  )

  // Rest parameters make `length` 0. Jest and mocha pass a callback to a hook with `length` 1: afterAll(telemetry.shutdown).
  function forceFlush(...[limit]: [limit?: TimeLimit]): Promise<void> {
    const millis = limitMillis(limit, FLUSH_TIMEOUT_MILLIS)
    if (shutdown.promise) return shutdown.promise
    const flushes = signals.map(([name, signal]) => [name, signal, signal.forceFlush(millis)] as const)
    return waitForAll(millis, 'flushed', flushes)
  }

  const shutdown = createShutdown(async (timeoutMillis) => {
    disableInstrumentations()
    unregister()
    withdraw()
    if (processWide[RUNNING] === telemetry) processWide[RUNNING] = undefined
    const logsEnded = loggerProvider?.shutdown(timeoutMillis)
    const shutdowns = signals.map(([name, signal]) => [name, signal, shutdownOf(name, signal)] as const)
    await waitForAll(timeoutMillis, 'shut down', shutdowns)
    // Logs return the promise of their first shutdown, whose counts are final a moment after the deadline.
    const closes = signals.map(
      ([name, signal]) => [name, signal, signal.close?.() ?? signal.shutdown(0)] as const,
    )
    await waitForAll(CLOSE_MILLIS, 'closed', closes)
    const dropped = describeUnsent(lost().filter((part) => part !== undefined))
    if (dropped !== '') warn(`dropped ${dropped}: shutdown_timeout`)
    dispose()
    stopDiag()

    async function shutdownOf(name: string, signal: SignalShutdown): Promise<void> {
      // Metrics come last because they export the final counts of the logs.
      const millis = Math.min(FINAL_COUNTS_MILLIS, timeoutMillis / 2)
      if (name === 'metrics' && logsEnded) await within(millis, [logsEnded])
      await signal.shutdown(timeoutMillis)
    }
  }, unsent)

  const telemetry: Telemetry = {
    loggerProvider: loggerProvider ?? { getLogger: () => createNoopLogger() },
    tracerProvider: traces?.provider ?? new ProxyTracerProvider(),
    meterProvider: metrics?.provider ?? { getMeter: () => createNoopMeter() },
    stats,
    forceFlush,
    shutdown: (...limit) => shutdown.begin(...limit),
  }
  processWide[RUNNING] = telemetry
  diag.info(describeStart(config))
  return telemetry
}

/** Returns, for example, `logbridge: telemetry starts: logs to http://localhost:4317, traces by console, metrics off`. */
function describeStart(config: TelemetryConfig): string {
  const parts = (['logs', 'traces', 'metrics'] as const).map((signal) => {
    const { exporter, exporters = [] } = config[signal] ?? {}
    const ways = exporters.map((name) =>
      name === 'otlp' && exporter ? `to ${shownDestination(exporter)}` : `by ${name}`,
    )
    const otherWay = config[signal] === undefined ? 'off' : 'by the application'
    return `${signal} ${ways.join(' and ') || otherWay}`
  })
  return `logbridge: telemetry starts: ${parts.join(', ')}`
}

/** Timeouts of the SDK for metrics and for traces. */
const TIMED_OUT = /timed out|within timeout period/

/** Waits for all parts, at most for the given time, and reports each failed part. Telemetry that is unsent at a timeout stays queued, or is reported as lost. */
function waitForAll(
  timeoutMillis: number,
  done: string,
  parts: readonly (readonly [string, SignalShutdown, Promise<unknown>])[],
): Promise<void> {
  const all = parts.map(([name, signal, part]) =>
    part.catch((errors: unknown) => {
      // The SDK rejects with an array when it has several processors.
      const error: unknown = Array.isArray(errors) ? errors[0] : errors
      if (TIMED_OUT.test(String(error)) && signal.unsent?.()?.count) return
      warnOnce(`${done}-${name}`, `${name} could not be ${done}`, error)
    }),
  )
  return within(timeoutMillis, all)
}

/** Prints OpenTelemetry's diagnostics by OTEL_LOG_LEVEL, unless the application has set a diag logger. */
function startDiag(logLevel: TelemetryConfig['diagLogLevel']): () => void {
  if (logLevel === undefined || registeredDiagLogger() !== undefined) return () => {}
  // DiagConsoleLogger is unusable because console output ends a process whose stderr is closed.
  const print = (...args: unknown[]): void => writeToStderr(`${oneLine(format(...args))}\n`)
  const logger = { error: print, warn: print, info: print, debug: print, verbose: print }
  diag.setLogger(logger, { logLevel })
  if (logLevel >= DiagLogLevel.WARN) noteDiagPrints()
  return () => diag.disable()
}
