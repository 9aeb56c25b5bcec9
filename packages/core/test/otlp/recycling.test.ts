import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, test, vi } from 'vitest'
import { encodeResource, encodeScope, type OpenBatch } from '../../src/otlp/openBatch.ts'
import { ProtobufWriter } from '../../src/otlp/protobufWriter.ts'
import { createLoggerProvider } from '../../src/loggerProvider.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { delivered, scope, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'
import { newDirectory } from '../spool/spoolDirectory.ts'

capturedWarnings()
const { decode, grpcUrl, httpUrl, take } = receiver()
const BATCH_BYTES = 512 * 1024
const text = (index: number): string => `${index} `.padEnd(2000, '.')

/** Fills one batch, and no more. @param number makes its records differ from those of other batches */
function fill({ pipeline, write }: ReturnType<typeof start>, number = 0): void {
  const record = (index: number): string => text(number * 1000 + index)
  const before = pipeline.stats().bytes
  write(record(0))
  const first = pipeline.stats().bytes - before
  write(record(1))
  const size = pipeline.stats().bytes - before - first
  for (let bytes = first + size, i = 2; bytes < BATCH_BYTES; bytes += size, i += 1) write(record(i))
}

describe('LogPipeline', () => {
  test('uses the memory of a full batch again when the batch is delivered', async () => {
    const parts = start({ scheduledDelayMillis: 2 ** 30 })
    const seen = new Set<ArrayBufferLike>()
    for (let batch = 1; batch <= 20; batch += 1) {
      fill(parts)
      await parts.transport.arrived(batch)
      seen.add(parts.transport.requests.at(-1)!.buffer)
      parts.transport.answer()
      await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBe(0))
    }
    // The first one has grown to its size.
    expect(seen.size).toBeLessThanOrEqual(3)
  })

  test.for([
    ['an attempt before that has failed', { ...delivered, attempts: 2 }],
    ['it was answered before it was sent to its end', { ...delivered, stillRead: true }],
    ['it was refused', { kind: 'failed', reason: 'no' }],
  ] as const)('leaves the memory of a full batch alone when %s', async ([, outcome]) => {
    const parts = start({ scheduledDelayMillis: 2 ** 30 })
    const seen = new Set<ArrayBufferLike>()
    for (let batch = 1; batch <= 6; batch += 1) {
      fill(parts)
      await parts.transport.arrived(batch)
      seen.add(parts.transport.requests.at(-1)!.buffer)
      parts.transport.answer(outcome)
      await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBe(0))
    }
    expect(seen.size).toBe(6)
  })

  test('leaves the memory of a full batch alone when the spool may still read it', async () => {
    const parts = start({ scheduledDelayMillis: 2 ** 30, spool: { directory: newDirectory() } })
    const seen = new Set<ArrayBufferLike>()
    for (let batch = 1; batch <= 6; batch += 1) {
      fill(parts)
      await parts.transport.arrived(batch)
      seen.add(parts.transport.requests.at(-1)!.buffer)
      parts.transport.answer()
      await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBe(0))
    }
    expect(seen.size).toBe(6)
    await parts.pipeline.shutdown()
  })

  test('leaves the memory of a full batch alone when the request waits for a response', async () => {
    const parts = start({ scheduledDelayMillis: 2 ** 30 })
    const copies: Buffer[] = []
    for (let batch = 1; batch <= 12; batch += 1) {
      fill(parts, batch)
      await parts.transport.arrived(batch)
      copies.push(Buffer.from(parts.transport.requests.at(-1)!))
      // Three are always on their way.
      if (batch > 3) {
        const waiting = parts.transport.requests.slice(batch - 3, batch)
        for (const [index, request] of waiting.entries()) {
          expect(copies[batch - 3 + index]!.equals(request)).toBe(true)
        }
        parts.transport.answer()
        await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBeLessThan(3 * 300))
      }
    }
  })
})

test('LogPipeline keeps only the memory that a batch needs when the batch is not full', async () => {
  const parts = start({ scheduledDelayMillis: 2 ** 30 })
  fill(parts)
  await parts.transport.arrived(1)
  for (let i = 0; i < 3; i += 1) parts.write(text(i))
  void parts.pipeline.forceFlush()
  await parts.transport.arrived(2)
  const request = parts.transport.requests[1]
  expect(request!.buffer.byteLength - request!.byteLength).toBeLessThan(100)
})

test.for([1, 2, 7])(
  'LogPipeline delivers records of %i scopes as logged, each under its scope',
  async (count) => {
    const parts = start({ scheduledDelayMillis: 2 ** 30 })
    const resource = encodeResource(
      resourceFromAttributes({ 'service.name': 'shop' }, { schemaUrl: 'https://example.org/r' }),
    )
    const scopes = Array.from({ length: count }, (_, index) =>
      encodeScope(
        { name: `orders${index}`, version: '1', schemaUrl: 'https://example.org/s', attributes: { index } },
        resource,
      ),
    )
    for (let i = 0; i < 1000; i += 1) parts.write(text(i), 9, scopes[i % count])
    void parts.pipeline.forceFlush()
    await parts.transport.arrived(3)
    const bodies = new Map<string, unknown[]>()
    for (const request of parts.transport.requests) {
      for (const { body, scope } of await decode(request)) {
        bodies.set(scope.name, [...(bodies.get(scope.name) ?? []), body])
      }
    }
    for (const index of scopes.keys()) {
      const own = Array.from({ length: 1000 }, (_, i) => i).filter((i) => i % count === index)
      expect(bodies.get(`orders${index}`)).toEqual(own.map(text))
    }
  },
)

test.for(['grpc', 'http/protobuf'] as const)(
  'createLoggerProvider delivers a flood as logged when the protocol is %s',
  async (protocol) => {
    const provider = createLoggerProvider({
      endpoint: protocol === 'grpc' ? grpcUrl() : httpUrl(),
      protocol,
      register: false,
    })
    const logger = provider.getLogger('flood')
    const COUNT = 20_000
    for (let i = 0; i < COUNT; i += 1) {
      logger.emit({ body: `record ${i}`, attributes: { i, text: `${i} `.repeat(30) } })
      if (i % 500 === 0) await new Promise(setImmediate)
    }
    await provider.shutdown()
    const received = take()
    expect(received).toHaveLength(COUNT)
    const wrong = received.filter(({ body, attributes }) => {
      const number = Number(attributes['i'])
      return body !== `record ${number}` || attributes['text'] !== `${number} `.repeat(30)
    })
    expect(wrong).toEqual([])
    expect(new Set(received.map(({ attributes }) => attributes['i'])).size).toBe(COUNT)
  },
)

test('ProtobufWriter keeps its buffer when batches are small', () => {
  const writer = new ProtobufWriter(1000)
  writer.stringField(0x0a, 'one')
  const { buffer } = writer.view()
  writer.reset()
  expect(writer.view().buffer === buffer).toBe(true)
})

test('LogPipeline uses memory again when records of 200 kB fill its batches', async () => {
  const parts = start({ scheduledDelayMillis: 2 ** 30 })
  const seen = new Set<ArrayBufferLike>()
  for (let batch = 1; batch <= 20; batch += 1) {
    while (parts.transport.requests.length < batch) {
      parts.write('x'.repeat(200_000))
      await new Promise(setImmediate)
    }
    const request = parts.transport.requests.at(-1)!
    expect(request.length).toBeLessThan(BATCH_BYTES)
    seen.add(request.buffer)
    parts.transport.answer()
    await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBe(0))
  }
  expect(seen.size).toBeLessThanOrEqual(3)
})

test('LogPipeline releases the memory of a flood when other records need the room', async () => {
  const parts = start({ scheduledDelayMillis: 2 ** 30, maxQueueBytes: 32 * BATCH_BYTES })
  for (let batch = 1; batch <= 20; batch += 1) fill(parts, batch)
  const flushed = parts.pipeline.forceFlush()
  for (let batch = 1; batch <= 20; batch += 1) {
    await parts.transport.arrived(batch)
    parts.transport.answer()
  }
  await flushed
  const { pool } = (parts.pipeline as unknown as { open: OpenBatch }).open
  expect(pool.spareBytes).toBeGreaterThan(10 * BATCH_BYTES)
  const scopes = [0, 1].map((index) => encodeScope({ name: `orders${index}` }, scope.resource))
  let most = 0
  for (let i = 0; parts.pipeline.stats().dropped.queue_full === undefined; i += 1) {
    // Batches of two scopes are copied, and use no buffer of the pool.
    parts.write(text(i), 9, scopes[i % 2])
    most = Math.max(most, parts.pipeline.stats().bytes + pool.spareBytes)
  }
  expect(pool.spareBytes).toBe(0)
  expect(most).toBeLessThanOrEqual(32 * BATCH_BYTES)
})

test('LogPipeline releases the memory of a flood when it is shut down', async () => {
  const parts = start({ scheduledDelayMillis: 2 ** 30 })
  fill(parts)
  await parts.transport.arrived(1)
  parts.transport.answer()
  await vi.waitFor(() => expect(parts.pipeline.stats().inFlight).toBe(0))
  const { pool } = (parts.pipeline as unknown as { open: OpenBatch }).open
  const used = parts.transport.requests[0]!.buffer
  await parts.pipeline.shutdown()
  expect(pool.take().buffer === used).toBe(false)
})
