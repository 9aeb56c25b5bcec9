import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endCollector, findCollector } from '@logbridge/test-support/collector'
import { freePort } from '@logbridge/test-support/ports'
import type { Signal } from '../src/decode.ts'
import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan, Viewer } from '../src/index.ts'
import { exportGrpc, requestTypes, start } from './otlp.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const collector = findCollector()
if (collector === undefined) console.warn('Skipped: no OpenTelemetry Collector (set OTELCOL to its path)')

/**
 * Builds a request with a different value in every field, so that any wrong field number shows.
 *
 * @param variant number of the member to set in each oneof
 */
function fill(type: protobuf.Type, variant: number, depth = 0): Record<string, unknown> {
  const message: Record<string, unknown> = {}
  for (const field of type.fieldsArray) {
    field.resolve()
    const members = field.partOf?.fieldsArray ?? [field]
    if (members[variant % members.length] !== field) continue
    // Values stop nesting at a depth that has each type of value.
    if (type.name === 'AnyValue' && field.resolvedType !== null && depth > 12) continue
    const value = sample(field, variant, depth)
    message[field.name] = field.repeated ? [value, sample(field, variant, depth)] : value
  }
  return message
}

let serial = 0

function sample(field: protobuf.Field, variant: number, depth: number): unknown {
  serial += 1
  if (field.resolvedType instanceof protobuf.Type) return fill(field.resolvedType, variant, depth + 1)
  if (field.resolvedType instanceof protobuf.Enum) {
    const numbers = Object.values(field.resolvedType.values)
    return numbers[1 + (serial % (numbers.length - 1))]
  }
  switch (field.type) {
    case 'string':
      return `${field.name} ${serial}`
    case 'bool':
      return true
    case 'bytes':
      return Buffer.alloc(field.name.endsWith('raceId') ? 16 : 8, 1 + (serial % 255))
    case 'double':
      return serial + 0.5
    case 'fixed64':
    case 'uint64':
    case 'int64':
    case 'sfixed64':
      return String(9_007_199_254_740_993n + BigInt(serial))
    default:
      return serial
  }
}

/** Converts a message to nested plain values. */
function plain(message: protobuf.Message): Record<string, unknown> {
  return message.$type.toObject(message, { longs: String, bytes: String })
}

describe.skipIf(collector === undefined)('viewer', () => {
  let viewer: Viewer
  let child: ChildProcess
  let port: number

  beforeAll(async () => {
    viewer = await start()
    port = await freePort()
    child = spawn(collector!, ['--config', join(here, 'collector.yaml')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        GRPC_PORT: String(port),
        VIEWER_GRPC_PORT: String(viewer.grpcPort),
        VIEWER_HTTP_URL: viewer.httpUrl,
      },
    })
    child.stderr!.pipe(process.stderr)
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    await new Promise<void>((resolve, reject) => {
      client.waitForReady(Date.now() + 20_000, (error) => (error ? reject(error) : resolve()))
    })
    client.close()
  })

  afterAll(async () => {
    if (child) await endCollector(child)
    await viewer?.close()
  })

  const variants = [0, 1, 2, 3, 4, 5, 6]
  const cases = (['logs', 'traces', 'metrics'] as const).flatMap((signal) =>
    variants.map((variant) => ({ signal, variant })),
  )

  it.each(cases)(
    'receives equal $signal when a Collector forwards them over gRPC and as JSON; variant $variant',
    async ({ signal, variant }) => {
      const type = requestTypes[signal]
      const bytes = type.encode(type.fromObject(fill(type, variant))).finish()
      const received: unknown[][] = []
      const collect = (records: (ReceivedLogRecord | ReceivedSpan | ReceivedMetric)[]): void => {
        received.push(
          records.map((record) => ({ ...record, raw: plain(record.raw as unknown as protobuf.Message) })),
        )
      }
      const event = ({ logs: 'logs', traces: 'spans', metrics: 'metrics' } as const)[signal satisfies Signal]
      viewer.on(event, collect)
      await exportGrpc(viewer.grpcPort, signal, bytes)
      // The Collector has no queue in this configuration, so it answers after both of its exports.
      await exportGrpc(port, signal, bytes)
      viewer.off(event, collect)

      expect(viewer.counts.refused).toBe(0)
      expect(received).toHaveLength(3)
      const [direct, ...forwarded] = received
      expect(direct!.length).toBeGreaterThan(1)
      expect(forwarded).toEqual([direct, direct])
    },
  )
})
