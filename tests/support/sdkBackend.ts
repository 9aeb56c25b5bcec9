import type { Backend, BackendSession, ConformanceRecord } from '@logbridge/bridge/conformance'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'

/** Used part of `@opentelemetry/sdk-logs` 2.x or 3.x, typed by shape because classes with private fields fit no other class. */
export interface Sdk {
  InMemoryLogRecordExporter: new () => {
    getFinishedLogRecords(): ReadableLogRecord[]
    reset(): void
  }
  SimpleLogRecordProcessor: new (options: { exporter: any }) => object
  LoggerProvider: new (options: { processors: any[] }) => BackendSession['loggerProvider'] & {
    forceFlush(): Promise<void>
    shutdown(): Promise<void>
  }
}

/** Creates a backend of an official SDK with its in-memory exporter. The caller loads the SDK in the version to test. */
export function sdkBackend(name: string, sdk: Sdk, unsupported: Backend['unsupported'] = {}): Backend {
  return {
    name,
    unsupported,
    async start() {
      const exporter = new sdk.InMemoryLogRecordExporter()
      const processors = [new sdk.SimpleLogRecordProcessor({ exporter })]
      const loggerProvider = new sdk.LoggerProvider({ processors })
      return {
        loggerProvider,
        async records() {
          await loggerProvider.forceFlush()
          const records = exporter.getFinishedLogRecords().map(describe)
          exporter.reset()
          return records
        },
        stop: () => loggerProvider.shutdown(),
      }
    },
  }
}

function describe(record: ReadableLogRecord): ConformanceRecord {
  return {
    scope: record.instrumentationScope.name,
    timestamp: record.hrTime,
    observedTimestamp: record.hrTimeObserved,
    severityNumber: record.severityNumber ?? 0,
    severityText: record.severityText,
    body: record.body,
    attributes: record.attributes,
    traceId: record.spanContext?.traceId,
    spanId: record.spanContext?.spanId,
    flags: record.spanContext?.traceFlags,
    eventName: record.eventName,
  }
}
