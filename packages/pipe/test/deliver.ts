import { createLoggerProvider } from '@logbridge/core'
import { startViewer, type ReceivedLogRecord } from '@logbridge/viewer'
import {
  createLineBridge,
  createLineReader,
  type LineReaderOptions,
  type ParsedRecord,
} from '../src/index.ts'

/**
 * Sends lines through a reader, a bridge, and the LoggerProvider of core to a receiver.
 * @returns the records as OTLP, in the order of the lines, without the time of their arrival
 */
export async function deliver(
  lines: readonly string[],
  options: Partial<LineReaderOptions> = {},
): Promise<unknown[]> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  const received: ReceivedLogRecord[] = []
  viewer.on('logs', (records) => received.push(...records))
  const loggerProvider = createLoggerProvider({ endpoint: viewer.grpcUrl, register: false })
  const bridge = createLineBridge({ loggerProvider })
  const resources: ParsedRecord['resource'][] = []
  const reader = createLineReader({
    timezone: 'UTC',
    ...options,
    onRecord(record) {
      if (record.format === 'otlp') return
      resources.push(record.resource)
      bridge.emit(record)
    },
  })
  reader.write(Buffer.from(`${lines.join('\n')}\n`))
  reader.end()
  await loggerProvider.shutdown()
  await viewer.waitFor(() => received.length >= resources.length)
  await viewer.close()
  return received
    .toSorted((a, b) => Number(observed(a) - observed(b)))
    .map((record, index) => ({ ...(resources[index] && { resource: resources[index] }), ...toOtlp(record) }))
}

function observed({ observedTimeUnixNano }: ReceivedLogRecord): bigint {
  return BigInt(String(observedTimeUnixNano ?? 0))
}

/** Converts a record to OTLP in JSON. A record whose line has no time gets the time of its arrival. */
function toOtlp({ raw, scope, severityNumber }: ReceivedLogRecord): object {
  const { observedTimeUnixNano, ...message } = (raw as { toJSON?(): Record<string, unknown> }).toJSON!()
  if (message['timeUnixNano'] === observedTimeUnixNano) delete message['timeUnixNano']
  for (const key of ['traceId', 'spanId'])
    if (typeof message[key] === 'string') message[key] = Buffer.from(message[key], 'base64').toString('hex')
  return { scope: scope.name, ...message, severityNumber }
}
