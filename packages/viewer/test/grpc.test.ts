import { compressionAlgorithms, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Viewer } from '../src/index.ts'
import { encode, exportGrpc, oneLog, start } from './otlp.ts'

const maxMessageBytes = 100_000
const gzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }
let viewer: Viewer

beforeAll(async () => {
  viewer = await start({ maxMessageBytes })
})

afterAll(() => viewer.close())

function logOf(bytes: number): Uint8Array {
  return encode('logs', oneLog({ body: { stringValue: 'x'.repeat(bytes) } }))
}

describe('gRPC', () => {
  it.each(['logs', 'traces', 'metrics'] as const)('accepts an Export of %s', async (signal) => {
    const before = viewer.counts.requests[signal]
    const response = await exportGrpc(viewer.grpcPort, signal, new Uint8Array())
    expect(response).toHaveLength(0)
    expect(viewer.counts.requests[signal]).toBe(before + 1)
  })

  it('accepts gzip', async () => {
    const before = viewer.counts.logRecords
    await exportGrpc(viewer.grpcPort, 'logs', logOf(50_000), gzip)
    expect(viewer.counts.logRecords).toBe(before + 1)
  })

  it('INVALID_ARGUMENT: bytes that are no such message', async () => {
    const before = viewer.counts.refused
    const truncated = logOf(10).subarray(0, 12)
    await expect(exportGrpc(viewer.grpcPort, 'logs', truncated)).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/.+/),
    })
    expect(viewer.counts.refused).toBe(before + 1)
  })

  it.each([
    { what: 'a message over the limit', bytes: logOf(maxMessageBytes), options: {} },
    { what: 'a small gzip that expands over the limit', bytes: logOf(50_000_000), options: gzip },
  ])('RESOURCE_EXHAUSTED: $what', async ({ bytes, options }) => {
    await expect(exportGrpc(viewer.grpcPort, 'logs', bytes, options)).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    })
  })
})
