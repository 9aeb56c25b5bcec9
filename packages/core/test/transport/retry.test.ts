import { getEventListeners } from 'node:events'
import { timers } from '@logbridge/bridge/internal'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createRetryingTransport } from '../../src/transport/retry.ts'
import type { ExportOutcome } from '../../src/transport/transport.ts'

const never = new AbortController().signal
const retryable: ExportOutcome = { kind: 'retryable', reason: 'gRPC UNAVAILABLE' }
const delivered: ExportOutcome = { kind: 'delivered', rejected: 0 }

beforeEach(() => {
  useFakeTimers(timers)
})
afterEach(() => {
  vi.useRealTimers()
})

/** A mock: a transport that gives the outcomes it was handed, then the last one for ever, and notes when it was asked. */
function scripted(...outcomes: ExportOutcome[]) {
  const times: number[] = []
  const start = Date.now()
  return {
    times,
    send: async () => {
      times.push(Date.now() - start)
      return outcomes[Math.min(times.length, outcomes.length) - 1]!
    },
    abandon() {},
    close: vi.fn(),
  }
}

test('createRetryingTransport sends a request once when its outcome is final', async () => {
  for (const outcome of [
    delivered,
    { kind: 'failed', reason: 'gRPC UNAUTHENTICATED' },
    { kind: 'too_large', reason: 'HTTP 413' },
  ] as const) {
    const transport = scripted(outcome)
    expect(await createRetryingTransport(transport).send(new Uint8Array(), never)).toBe(outcome)
    expect(transport.times).toHaveLength(1)
  }
})

test('createRetryingTransport backs off exponentially up to 30 s, with full jitter, without end', async () => {
  const transport = scripted(retryable)
  void createRetryingTransport(transport, () => 1).send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(200_000)
  const waits = transport.times.slice(1).map((time, index) => time - transport.times[index]!)
  expect(waits.slice(0, 10)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000])

  const jittered = scripted(retryable, delivered)
  const sent = createRetryingTransport(jittered, () => 0.5).send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(250)
  expect(await sent).toEqual({ ...delivered, attempts: 2 })
})

test('createRetryingTransport notes failures from the second attempt on, and deliveries', async () => {
  const receiver = {
    isOutageReported: false,
    isLossReported: false,
    onFailure: vi.fn(),
    onDelivered: vi.fn(),
    close: vi.fn(),
  }
  const transport = scripted(retryable, retryable, retryable, delivered)
  const retrying = createRetryingTransport(transport, () => 0, receiver)
  const failedAt = performance.now()
  const sent = retrying.send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(10)
  await sent
  const failure = [retryable, failedAt]
  expect(receiver.onFailure.mock.calls).toEqual([failure, failure])
  expect(receiver.onDelivered).toHaveBeenCalledTimes(1)
  retrying.close()
  expect(receiver.close).toHaveBeenCalledTimes(1)
})

test('createRetryingTransport keeps the delay of the receiver during a flush', async () => {
  const transport = scripted({ ...retryable, retryAfterMillis: 7000 }, delivered)
  const retrying = createRetryingTransport(transport, () => 0)
  const sent = retrying.send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(6999)
  retrying.resetBackoff()
  await vi.advanceTimersByTimeAsync(0)
  expect(transport.times).toEqual([0])
  await vi.advanceTimersByTimeAsync(1)
  expect(await sent).toEqual({ ...delivered, attempts: 2 })
})

test('createRetryingTransport keeps its backoff when the receiver asks for a delay of 0', async () => {
  const transport = scripted({ ...retryable, retryAfterMillis: 0 })
  void createRetryingTransport(transport, () => 1).send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(2000)
  expect(transport.times).toEqual([0, 500, 1500])
})

test.each([1e12, 1e15, Infinity])(
  'createRetryingTransport waits an hour when the receiver asks for %s milliseconds',
  async (retryAfterMillis) => {
    const transport = scripted({ ...retryable, retryAfterMillis })
    void createRetryingTransport(transport, () => 1).send(new Uint8Array(), never)
    await vi.advanceTimersByTimeAsync(3_599_999)
    expect(transport.times).toEqual([0])
    await vi.advanceTimersByTimeAsync(1)
    expect(transport.times).toEqual([0, 3_600_000])
  },
)

test('resetBackoff ends the backoff after the delay of the receiver', async () => {
  const transport = scripted({ ...retryable, retryAfterMillis: 100 }, delivered)
  const retrying = createRetryingTransport(transport, () => 1)
  const sent = retrying.send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(50)
  retrying.resetBackoff()
  await vi.advanceTimersByTimeAsync(50)
  expect(await sent).toEqual({ ...delivered, attempts: 2 })
  expect(transport.times).toEqual([0, 100])
})

test('resetBackoff ends a backoff', async () => {
  const transport = scripted(retryable, delivered)
  const retrying = createRetryingTransport(transport, () => 1)
  const sent = retrying.send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(1)
  retrying.resetBackoff()
  expect(await sent).toEqual({ ...delivered, attempts: 2 })
  expect(transport.times).toEqual([0, 1])
})

test('resetBackoff restarts the backoff when a receiver returns during a flush', async () => {
  const transport = scripted(retryable)
  const retrying = createRetryingTransport(transport, () => 1)
  void retrying.send(new Uint8Array(), never)
  await vi.advanceTimersByTimeAsync(100_000)
  const before = transport.times.length
  const flushedAt = 100_000
  retrying.resetBackoff()
  await vi.advanceTimersByTimeAsync(5000)
  expect(transport.times.slice(before).map((time) => time - flushedAt)).toEqual([0, 500, 1500, 3500])
})

test('createRetryingTransport ends with the last outcome, and leaves no timer or listener, when it is aborted', async () => {
  const controller = new AbortController()
  const transport = scripted(retryable)
  const sent = createRetryingTransport(transport, () => 1).send(new Uint8Array(), controller.signal)
  await vi.advanceTimersByTimeAsync(100)
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
  controller.abort()
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  expect(await sent).toBe(retryable)
  expect(transport.times).toHaveLength(1)
  expect(vi.getTimerCount()).toBe(0)
})
