import type { LoggerProvider, MeterProvider, TracerProvider } from '@opentelemetry/api'

/**
 * Instrumentation of a library: the interface of the same name of `@opentelemetry/instrumentation`. That package loads hooks of Node.js, so
 * that core leaves it to applications with instrumentations.
 */
export interface Instrumentation {
  readonly instrumentationName: string
  readonly instrumentationVersion: string
  enable(): void
  disable(): void
  setTracerProvider(tracerProvider: TracerProvider): void
  setMeterProvider(meterProvider: MeterProvider): void
  setLoggerProvider?(loggerProvider: LoggerProvider): void
  setConfig(config: { enabled?: boolean }): void
  getConfig(): { enabled?: boolean }
}
