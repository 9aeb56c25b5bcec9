import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { describe, expect, test, vi } from 'vitest'
import { PipelineCounters } from '../../src/queue/counters.ts'
import { encodeResource, encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import type { DropListener } from '../../src/config/dropReasons.ts'
import { createLoggerProvider } from '../../src/loggerProvider.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { recordOf, scope, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'

capturedWarnings()
const { decode, grpcUrl, take } = receiver()
const BATCH_BYTES = 512 * 1024
const MIB = 1024 * 1024
/** Lower bound of the memory of a queued request with its batch and buffer, by `benchmarks/scenarios/queue-memory.js`. */
const MIN_QUEUED_BYTES = 700

describe('maxQueueBytes', () => {
  test('counts the memory of each queued batch when every record is a batch', () => {
    const { pipeline, write } = start({ maxExportBatchSize: 1, maxQueueBytes: MIB })
    for (let i = 0; i < 10_000; i += 1) write('a', 17)
    const { queued, inFlight, bytes } = pipeline.stats()
    expect(queued + inFlight).toBeGreaterThan(100)
    expect(bytes).toBeGreaterThanOrEqual((queued + inFlight) * MIN_QUEUED_BYTES)
    expect(bytes).toBeLessThan(MIB + 4096)
  })

  test('counts the resource in each queued batch', () => {
    const { pipeline, write } = start({ maxExportBatchSize: 1, maxQueueBytes: 4 * MIB })
    const resource = encodeResource(resourceFromAttributes({ description: 'x'.repeat(100_000) }))
    const orders = encodeScope({ name: 'orders' }, resource)
    for (let i = 0; i < 1000; i += 1) write('a', 17, orders)
    const { queued, inFlight } = pipeline.stats()
    expect(queued + inFlight).toBe(Math.ceil((4 * MIB) / (100_000 + 1200)))
  })

  test('counts the scopes of the open batch', () => {
    const { pipeline, write } = start({ scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 4; i += 1) write('a', 17, scopeOf(i, 100_000))
    expect(pipeline.stats().bytes).toBeGreaterThan(400_000)
  })

  test('counts the whole buffer of a full batch', async () => {
    const { pipeline, transport, write } = start({ scheduledDelayMillis: 2 ** 30 })
    while (transport.requests.length === 0) {
      write('x'.repeat(1000))
      await new Promise(setImmediate)
    }
    expect(pipeline.stats().bytes).toBeGreaterThan(transport.requests[0]!.buffer.byteLength)
  })
})

describe('OpenBatch takes at most 512 KiB and one record', () => {
  test.for([
    [6, 100_000, 500],
    [50, 60_000, 500],
    [2000, 1000, 5000],
    [20_000, 0, 20_000],
  ] as const)('with %i scopes whose attributes take %i bytes', async ([scopes, attributeBytes, records]) => {
    const { pipeline, transport, write } = start({ scheduledDelayMillis: 2 ** 30, maxQueueBytes: 2 ** 30 })
    const all = Array.from({ length: scopes }, (_, index) => scopeOf(index, attributeBytes))
    for (let i = 0; i < records; i += 1) write(`order ${i}`, 17, all[i % scopes])
    const { queued } = pipeline.stats()
    const flushed = pipeline.forceFlush()
    while (pipeline.stats().delivered < queued) {
      await vi.waitFor(() => expect(pipeline.stats().inFlight).toBeGreaterThan(0))
      transport.answer()
      await new Promise(setImmediate)
    }
    await flushed
    expect(Math.max(...transport.requests.map(({ length }) => length))).toBeLessThan(BATCH_BYTES + 100)
  })

  test('with a resource of 300 kB', async () => {
    const { pipeline, transport, write } = start({ scheduledDelayMillis: 2 ** 30 })
    const resource = encodeResource(resourceFromAttributes({ description: 'x'.repeat(300_000) }))
    const orders = encodeScope({ name: 'orders', schemaUrl: 'https://example.org/s' }, resource)
    for (let i = 0; i < 3000; i += 1) write('x'.repeat(100), 17, orders)
    void pipeline.forceFlush()
    await transport.arrived(2)
    const [first] = transport.requests
    expect(first!.length).toBeLessThan(BATCH_BYTES + 200)
    expect(first!.length).toBeGreaterThan(BATCH_BYTES - 200)
  })
})

test('createLoggerProvider delivers each record under its scope when many scopes have large attributes', async () => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false })
  const loggers = Array.from({ length: 40 }, (_, index) =>
    provider.getLogger(`tenant-${index}`, '1', { attributes: { tenant: 'x'.repeat(60_000) } }),
  )
  for (let i = 0; i < 400; i += 1) loggers[i % 40]!.emit({ body: i })
  await provider.shutdown()
  const received = take()
  expect(received).toHaveLength(400)
  expect(received.filter(({ body, scope: { name } }) => name !== `tenant-${Number(body) % 40}`)).toEqual([])
})

test('OpenBatch leaves out a scope whose only record was removed', async () => {
  const batch = new OpenBatch()
  batch.add(scope, recordOf('first', 9), {})
  batch.removeLast(batch.add(scopeOf(1, 0), recordOf('removed', 9), {}))
  batch.add(scopeOf(2, 0), recordOf('second', 9), {})
  batch.add(scope, recordOf('third', 9), {})
  const { body } = batch.seal()!
  expect(body.includes('tenant-1')).toBe(false)
  const records = await decode(body)
  expect(records.map(({ body, scope: { name } }) => [name, body])).toEqual([
    ['orders', 'first'],
    ['orders', 'third'],
    ['tenant-2', 'second'],
  ])
})

test('createLoggerProvider keeps recently used loggers, and releases loggers that were long unused', () => {
  const provider = createLoggerProvider({ endpoint: 'http://127.0.0.1:1', register: false })
  const first = provider.getLogger('first')
  expect(provider.getLogger('first')).toBe(first)
  const other = provider.getLogger('other')
  const attributes = { tenant: 'x'.repeat(60_000) }
  for (let i = 0; i < 100; i += 1) {
    provider.getLogger(`tenant-${i}`, '1', { attributes })
    expect(provider.getLogger('first')).toBe(first)
  }
  expect(provider.getLogger('other')).not.toBe(other)
})

test('RecordEncoder releases the texts that keys were cut from', async () => {
  const program = `
    const { createLoggerProvider } = await import('@logbridge/core')
    const logger = createLoggerProvider({ register: false, maxQueueBytes: 1e6 }).getLogger('orders')
    const cut = (n) => Buffer.alloc(1_000_000, 'key ' + n + ' ').toString().slice(1, 50)
    for (let n = 0; n < 100; n += 1) logger.emit({ body: new Map([[cut(n), 1]]) })
    gc()
    process.stdout.write(String(process.memoryUsage().heapUsed), () => process.exit())`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('../../../../tests', import.meta.url)), timeout: 20_000 },
  )
  expect(Number(stdout)).toBeLessThan(50_000_000)
})

describe('PipelineCounters', () => {
  test('keeps no more counts than there are severities', () => {
    const onDrop = vi.fn<DropListener>()
    const counters = new PipelineCounters(onDrop)
    for (let i = 0; i < 1000; i += 1) counters.dropOne('queue_full', 100 + i / 7)
    counters.dropOne('queue_full', Number.NaN)
    counters.dropOne('queue_full', 24)
    counters.end()
    expect(onDrop.mock.calls).toEqual([
      ['queue_full', 1001, 0],
      ['queue_full', 1, 24],
    ])
  })

  test('keeps no more counts than there are statuses when a receiver makes up statuses', () => {
    const counters = new PipelineCounters(undefined)
    for (let status = 1000; status < 2000; status += 1) {
      counters.complete(new Uint8Array(), 0, { kind: 'failed', reason: 'no', status })
    }
    counters.complete(new Uint8Array(), 0, { kind: 'failed', reason: 'no', status: 401 })
    expect([...counters.sendFailed.keys()]).toEqual(['_OTHER', '401'])
    counters.end()
  })
})

function scopeOf(index: number, attributeBytes: number) {
  return encodeScope(
    { name: `tenant-${index}`, version: '1', attributes: { tenant: 'x'.repeat(attributeBytes) } },
    scope.resource,
  )
}
