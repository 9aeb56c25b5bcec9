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

const warnings = capturedWarnings()
const { decode } = receiver()
const DETECTION_WARNING = /^a resource detector did not end within 5 s: /

beforeEach(() => useFakeTimers(timers, { toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

/** Encodes a resource with a pending attribute, as the official SDK detects it, of a detector that never ends. */
const pendingResource = () =>
  encodeResource(resourceFromAttributes({ 'service.name': 'shop', 'host.id': new Promise(() => {}) }))

test('createLoggerProvider sends a batch with a warning when a resource detector has not ended within 5 s', async () => {
  const { pipeline, transport, write } = start()
  write('a', 9, encodeScope({ name: 'orders' }, pendingResource()))
  const flushed = pipeline.forceFlush(60_000)
  await vi.advanceTimersByTimeAsync(4999)
  expect(transport.requests).toHaveLength(0)
  await vi.advanceTimersByTimeAsync(1)
  await transport.arrived(1)
  expect(Buffer.from(transport.requests[0]!).toString()).toContain('shop')
  expect(warnings).toEqual([expect.stringMatching(DETECTION_WARNING)])
  transport.answer(delivered)
  await flushed
  expect(vi.getTimerCount()).toBe(0)
})

test('withinDetection resolves at once when a resource detector rejects', async () => {
  expect(await withinDetection(Promise.reject(new Error('no'))).over).toBeUndefined()
  expect(vi.getTimerCount()).toBe(0)
})

test('createLoggerProvider sends a batch when a resource detector has not ended within half the timeout of a shutdown', async () => {
  const { pipeline, transport, write } = start()
  write('a', 9, encodeScope({ name: 'orders' }, pendingResource()))
  const ended = pipeline.shutdown(2000)
  await vi.advanceTimersByTimeAsync(1000)
  await transport.arrived(1)
  transport.answer(delivered)
  await ended
  expect(pipeline.stats()).toMatchObject({ delivered: 1, dropped: NOTHING })
  expect(vi.getTimerCount()).toBe(0)
})

test('OpenBatch keeps its resource when a resource detector ends between its first record and its seal', async () => {
  const { pipeline, transport, write } = start()
  const { promise: id, resolve: find } = Promise.withResolvers<string>()
  const resource = encodeResource(resourceFromAttributes({ 'service.name': 'shop', 'host.id': id }))
  const scope = encodeScope({ name: 'orders' }, resource)
  await vi.advanceTimersByTimeAsync(5000)
  write('before', 9, scope)
  find('h'.repeat(100))
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

test('resolveResource ends the wait for attributes after 5 s when a built-in detector never ends', async () => {
  const detect = vi.spyOn(hostDetector, 'detect')
  detect.mockReturnValue({ attributes: { 'host.name': 'a', 'host.id': new Promise(() => {}) } })
  onTestFinished(() => detect.mockRestore())
  const resource = resolveResource({}, {})
  expect(resource.asyncAttributesPending).toBe(true)
  const waited = resource.waitForAsyncAttributes!()
  await vi.advanceTimersByTimeAsync(5000)
  await waited
  expect(resource.attributes['host.name']).toBe('a')
  expect(warnings).toEqual([expect.stringMatching(DETECTION_WARNING)])
})
