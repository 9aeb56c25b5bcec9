import { compressionAlgorithms, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Viewer } from '../src/index.ts'
import { encode, exportGrpc, oneLog, start } from './otlp.ts'

const maxMessageBytes = 100_000
const gzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }
const manyLogs = encode('logs', {
  resourceLogs: [{ scopeLogs: [{ logRecords: Array.from({ length: 10_000 }, () => ({})) }] }],
})
let viewer: Viewer

beforeAll(async () => {
  viewer = await start({ maxMessageBytes })
})

afterAll(() => viewer.close())

function logOf(bytes: number): Uint8Array {
  return encode('logs', oneLog({ body: { stringValue: 'x'.repeat(bytes) } }))
}

describe('gRPC listener', () => {
  it.each(['logs', 'traces', 'metrics'] as const)('accepts an Export call of %s', async (signal) => {
    const before = viewer.counts.requests[signal]
    const response = await exportGrpc(viewer.grpcPort, signal, new Uint8Array())
    expect(response).toHaveLength(0)
    expect(viewer.counts.requests[signal]).toBe(before + 1)
  })

  it('accepts a message that is compressed with gzip', async () => {
    const before = viewer.counts.logRecords
    await exportGrpc(viewer.grpcPort, 'logs', logOf(50_000), gzip)
    expect(viewer.counts.logRecords).toBe(before + 1)
  })

  it('answers INVALID_ARGUMENT when the message is malformed', async () => {
    const before = viewer.counts.refused
    const truncated = logOf(10).subarray(0, 12)
    await expect(exportGrpc(viewer.grpcPort, 'logs', truncated)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/.+/),
    })
    expect(viewer.counts.refused).toBe(before + 1)
  })

  it.each([
    { condition: 'the message is over the limit', bytes: logOf(maxMessageBytes), options: {} },
    { condition: 'its log records would take too much memory', bytes: manyLogs, options: {} },
    { condition: 'its gzipped log records would take too much memory', bytes: manyLogs, options: gzip },
    { condition: 'a small gzip expands over the limit', bytes: logOf(50_000_000), options: gzip },
  ])('answers RESOURCE_EXHAUSTED when $condition', async ({ bytes, options }) => {
    await expect(exportGrpc(viewer.grpcPort, 'logs', bytes, options)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    })
  })

  it.each(['evil.example', 'localhost.evil.example:4317', '127.0.0.1:4317.evil.example'])(
    'answers PERMISSION_DENIED when the authority names another machine: %s',
    async (authority) => {
      const before = viewer.counts.requests.logs
      await expect(
        exportGrpc(viewer.grpcPort, 'logs', logOf(1), { 'grpc.default_authority': authority }),
      ).rejects.toMatchObject({ code: status.PERMISSION_DENIED })
      expect(viewer.counts.requests.logs).toBe(before)
    },
  )

  it('accepts an authority with another port, such as a forwarded port', async () => {
    const options = { 'grpc.default_authority': 'localhost:14317' }
    await expect(exportGrpc(viewer.grpcPort, 'logs', logOf(1), options)).resolves.toHaveLength(0)
  })
})
