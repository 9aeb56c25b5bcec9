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
 * Registers what the OpenTelemetry API has one of in a process: the context manager, the propagator and the providers.
 * What someone else has registered before stays.
 *
 * @returns unregisters what this has registered
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
  const register = (what: string, isRegistered: boolean, unregister: () => void): void => {
    if (isRegistered) undo.push(unregister)
    else {
      warnOnce(
        `already-registered-${what}`,
        `another ${what} (or another version of @opentelemetry/api) is already registered in this process and stays`,
      )
    }
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
  // Last: it replays records that were kept, and their spans are the tracer's.
  if (loggerProvider) undo.push(registerLoggerProvider(loggerProvider))
  return () => undo.toReversed().forEach((unregister) => unregister())
}
