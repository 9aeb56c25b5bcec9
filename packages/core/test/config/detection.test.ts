import { timers } from '@logbridge/bridge/internal'
import type { ReceivedLogRecord } from '@logbridge/viewer'
import { hostDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { withinDetection } from '../../src/config/detection.ts'
import { resolveResource } from '../../src/config/resource.ts'
import { encodeResource, encodeScope } from '../../src/otlp/openBatch.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { delivered, start } from '../manualPipeline.ts'
import { receiver } from '../receive.ts'
import { NOTHING } from '@logbridge/test-support/stats'

const said = capturedWarnings()
const { decode } = receiver()
const LATE = /^a resource detector has not ended within 5 s: /

beforeEach(() => useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Detected in the way of the official SDK, by a detector that never ends. */
const pending = () =>
  encodeResource(resourceFromAttributes({ 'service.name': 'shop', 'host.id': new Promise(() => {}) }))

test('a resource detector that never ends is given up after 5 s: the records are sent, and that is said', async () => {
  const { pipeline, transport, write } = start()
  write('a', 9, encodeScope({ name: 'orders' }, pending()))
  const flushed = pipeline.forceFlush(60_000)
  await vi.advanceTimersByTimeAsync(4999)
  expect(transport.requests).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(1)
  await transport.arrived(1)
  expect(Buffer.from(transport.requests[0]!).toString()).toContain('shop')
  expect(said).toEqual([expect.stringMatching(LATE)])
  transport.answer(delivered)
  await flushed
  expect(vi.getTimerCount()).toBe(0)
})

test('withinDetection waits no longer when what a resource detector looks for cannot be found', async () => {
  expect(await withinDetection(Promise.reject(new Error('no'))).over).toBeUndefined()
  expect(vi.getTimerCount()).toBe(0)
})

test('a resource detector that never ends is given up when half of the time of a shutdown is over', async () => {
  const { pipeline, transport, write } = start()
  write('a', 9, encodeScope({ name: 'orders' }, pending()))
  const ended = pipeline.shutdown(2000)
  await vi.advanceTimersByTimeAsync(1000)
  await transport.arrived(1)
  transport.answer(delivered)
  await ended
  expect(pipeline.stats()).toMatchObject({ delivered: 1, dropped: NOTHING })
  expect(vi.getTimerCount()).toBe(0)
})

test('a batch is sealed whole when a resource detector ends between its first record and its seal', async () => {
  const { pipeline, transport, write } = start()
  let find: ((id: string) => void) | undefined
  const id = new Promise<string>((resolve) => (find = resolve))
  const resource = encodeResource(resourceFromAttributes({ 'service.name': 'shop', 'host.id': id }))
  const scope = encodeScope({ name: 'orders' }, resource)
  await vi.advanceTimersByTimeAsync(5000)
  write('before', 9, scope)
  find!('h'.repeat(100))
  await vi.advanceTimersByTimeAsync(0)
  const flushed = pipeline.forceFlush()
  await transport.arrived(1)
  transport.answer(delivered)
  await flushed
  write('after', 9, scope)
  void pipeline.forceFlush()
  await transport.arrived(2)
  const received: unknown[] = []
  for (const request of transport.requests) {
    const [{ body, resource }] = (await decode(request)) as [ReceivedLogRecord]
    received.push([body, Object.keys(resource.attributes)])
  }
  expect(received).toEqual([
    ['before', ['service.name']],
    ['after', ['service.name', 'host.id']],
  ])
  transport.answer(delivered)
})

test('a detector of our own that never ends holds up no signal', async () => {
  const detect = vi.spyOn(hostDetector, 'detect')
  detect.mockReturnValue({ attributes: { 'host.name': 'a', 'host.id': new Promise(() => {}) } })
  onTestFinished(() => detect.mockRestore())
  const resource = resolveResource({}, {})
  expect(resource.asyncAttributesPending).toBe(true)
  const settled = resource.waitForAsyncAttributes!()
  await vi.advanceTimersByTimeAsync(5000)
  await settled
  expect(resource.attributes['host.name']).toBe('a')
  expect(said).toEqual([expect.stringMatching(LATE)])
})
