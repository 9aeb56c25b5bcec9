import { warnOnce } from '@logbridge/bridge/internal'
import {
  context,
  type LoggerProvider,
  type MeterProvider,
  metrics,
  propagation,
  type TextMapPropagator,
  trace,
  type TracerProvider,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import { B3InjectEncoding, B3Propagator } from '@opentelemetry/propagator-b3'
import type { PropagatorName } from './config/config.ts'
import { registerLoggerProvider } from './register.ts'

const PROPAGATORS: Readonly<Record<PropagatorName, () => TextMapPropagator>> = {
  tracecontext: () => new W3CTraceContextPropagator(),
  baggage: () => new W3CBaggagePropagator(),
  b3: () => new B3Propagator(),
  b3multi: () => new B3Propagator({ injectEncoding: B3InjectEncoding.MULTI_HEADER }),
}

/**
 * Registers the globals of the OpenTelemetry API: the context manager, the propagator, and the providers. A global that is
 * already registered stays.
 *
 * @returns a function that unregisters the globals that this call registered
 */
export function registerGlobals(
  propagators: readonly PropagatorName[],
  providers: {
    loggerProvider?: LoggerProvider
    tracerProvider?: TracerProvider
    meterProvider?: MeterProvider
  },
): () => void {
  const undo: (() => void)[] = []
  const occupied: string[] = []
  const register = (name: string, isRegistered: boolean, unregister: () => void): void => {
    if (isRegistered) undo.push(unregister)
    else occupied.push(name)
  }

  const contextManager = new AsyncLocalStorageContextManager().enable()
  register('ContextManager', context.setGlobalContextManager(contextManager), () => context.disable())
  if (propagators.length > 0) {
    const propagator = new CompositePropagator({
      propagators: propagators.map((name) => PROPAGATORS[name]()),
    })
    register('TextMapPropagator', propagation.setGlobalPropagator(propagator), () => propagation.disable())
  }
  const { loggerProvider, tracerProvider, meterProvider } = providers
  if (tracerProvider) {
    register('TracerProvider', trace.setGlobalTracerProvider(tracerProvider), () => trace.disable())
  }
  if (meterProvider) {
    register('MeterProvider', metrics.setGlobalMeterProvider(meterProvider), () => metrics.disable())
  }
  // Register the LoggerProvider last: replayed records of the startup buffer refer to spans of the TracerProvider.
  if (loggerProvider) undo.push(registerLoggerProvider(loggerProvider, () => occupied.push('LoggerProvider')))
  if (occupied.length > 0) warnOccupied(occupied)
  return () => undo.toReversed().forEach((unregister) => unregister())
}

function warnOccupied(names: readonly string[]): void {
  warnOnce(
    'sdk-registered',
    `another OpenTelemetry SDK (or another version of @opentelemetry/api) has registered ${names.join(', ')} before ` +
      'startTelemetry(), and stays: run one of the two. Call startTelemetry() instead of the other SDK, or leave out ' +
      'startTelemetry() and give that SDK (NodeSDK 3.x) the option logRecordProcessors: [new OtlpLogRecordProcessor()]',
  )
}
