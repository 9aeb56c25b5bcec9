import type { Backend, ConformanceRecord } from '@logbridge/bridge/conformance'
import { createLoggerProvider, type LoggerProviderOptions } from '@logbridge/core'
import { startViewer, type ReceivedLogRecord, type Viewer } from '@logbridge/viewer'
import * as sdk from '@opentelemetry/sdk-logs'
import { sdkBackend } from './sdkBackend.ts'

/** Official SDK 3.x with its in-memory exporter. */
export const sdk3: Backend = sdkBackend('SDK 3.x', sdk)

/** Provider of @logbridge/core, over a gRPC connection to a receiver that decodes the records. */
export const viewer: Backend = ownProvider('@logbridge/core over gRPC', {})

/** Provider of @logbridge/core with a processor, for which records pass the official LoggerProvider first. */
export const viewerBehindProcessor: Backend = ownProvider('@logbridge/core with a processor', {
  processors: [{ onEmit() {}, forceFlush: async () => {}, shutdown: async () => {} }],
})

function ownProvider(name: string, options: LoggerProviderOptions): Backend {
  return {
    name,
    async start() {
      const receiver = await sharedReceiver()
      let received: ReceivedLogRecord[] = []
      const collect = (records: ReceivedLogRecord[]): void => void received.push(...records)
      receiver.on('logs', collect)
      const loggerProvider = createLoggerProvider({
        endpoint: receiver.grpcUrl,
        register: false,
        ...options,
      })
      return {
        loggerProvider,
        async records() {
          await loggerProvider.forceFlush()
          const records = received.map(fromViewer)
          received = []
          return records
        },
        async stop() {
          await loggerProvider.shutdown()
          receiver.off('logs', collect)
        },
      }
    },
  }
}

let receiver: Promise<Viewer> | undefined

/** Starts one receiver for the test file. Each session has its own provider, and sessions run one after the other. */
function sharedReceiver(): Promise<Viewer> {
  return (receiver ??= startViewer({ grpcPort: 0, httpPort: 0 }))
}

export async function stopReceiver(): Promise<void> {
  await (await receiver)?.close()
}

function fromViewer(record: ReceivedLogRecord): ConformanceRecord {
  return {
    scope: record.scope.name,
    timestamp: toHrTime(record.timeUnixNano),
    observedTimestamp: toHrTime(record.observedTimeUnixNano),
    severityNumber: record.severityNumber,
    severityText: record.severityText,
    // The raw message distinguishes an empty text from a missing body.
    body: record.raw.body ? record.body : undefined,
    attributes: { ...record.attributes },
    traceId: record.traceId,
    spanId: record.spanId,
    flags: record.flags,
    eventName: record.eventName || undefined,
  }
}

function toHrTime(nanoseconds: bigint): [number, number] {
  return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)]
}
