import { createBridge } from '@logbridge/bridge'
import { timers } from '@logbridge/bridge/internal'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import type { DropListener } from '../../src/config/dropReasons.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { delivered, start } from '../manualPipeline.ts'

const warnings = capturedWarnings()
const FULL = /^dropping log records, the queue is full: /

beforeEach(() => {
  useFakeTimers(timers, { toFake: ['setInterval', 'clearInterval'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Starts a pipeline that is full for records below WARN, and has room for 2 others. */
function full(onDrop?: DropListener) {
  const parts = start({ maxQueueSize: 10, ...(onDrop && { onDrop }) })
  for (let i = 0; i < 8; i += 1) parts.write(i)
  return parts
}

describe('onDrop', () => {
  test('is called once a second for each reason and severity, and its counts add up to all dropped records', () => {
    const onDrop = vi.fn<DropListener>()
    const { pipeline, write } = full(onDrop)
    for (let i = 0; i < 30; i += 1) write('lost', i % 2 ? 9 : 5)
    expect(onDrop).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(onDrop.mock.calls).toEqual([
      ['queue_full', 15, 5],
      ['queue_full', 15, 9],
    ])
    vi.advanceTimersByTime(1000)
    write('lost', 0)
    vi.advanceTimersByTime(1000)
    expect(onDrop.mock.calls.slice(2)).toEqual([['queue_full', 1, 0]])
    expect(pipeline.stats().dropped).toEqual({ queue_full: 31 })
    expectBalance(pipeline.stats())
  })

  test('is called for each severity of a dropped batch', async () => {
    const onDrop = vi.fn<DropListener>()
    const { transport, pipeline, write } = start({ onDrop })
    for (const severityNumber of [9, 17, 9]) write('refused', severityNumber)
    const flushed = pipeline.forceFlush()
    await transport.arrived(1)
    transport.answer({ kind: 'failed', reason: 'HTTP 401' })
    await flushed
    vi.advanceTimersByTime(1000)
    expect(onDrop.mock.calls).toEqual([
      ['export_failed', 2, 9],
      ['export_failed', 1, 17],
    ])
  })

  test('is called before a shutdown resolves when the shutdown drops records', async () => {
    const onDrop = vi.fn<DropListener>()
    const { pipeline, write } = start({ onDrop, maxExportBatchSize: 2 })
    for (let i = 0; i < 12; i += 1) write(i, 13)
    await pipeline.shutdown(1)
    expect(onDrop.mock.calls.map(([reason, count, severity]) => [reason, count, severity])).toEqual([
      ['shutdown_timeout', 12, 13],
    ])
    expectBalance(pipeline.stats())
  })

  test('is reported once when it throws, and its own records are suppressed', () => {
    let bridged = 0
    const loggerProvider = { getLogger: () => ({ emit: () => (bridged += 1) }) }
    const adapter = {
      library: 'probe',
      classify: () => ({ severityNumber: 9 as const }),
      convert: () => ({ body: 'lost' }),
    }
    const bridge = createBridge(adapter, { loggerProvider })
    const { write } = full(() => {
      bridge.emit('lost')
      throw new Error('of the listener')
    })
    write('lost')
    vi.advanceTimersByTime(1000)
    expect(bridged).toBe(0)
    expect(warnings).toContain('onDrop failed: of the listener')
  })

  test('causes no unhandled rejection when it is asynchronous and fails', async () => {
    const { write } = full(async () => Promise.reject(new Error('of the listener')))
    write('lost')
    await vi.advanceTimersByTimeAsync(1000)
    expect(warnings).toContain('onDrop failed: of the listener')
  })
})

describe('DropReporter', () => {
  test('writes one line when drops begin and one with the totals when drops have ended', () => {
    const { write } = full()
    for (let second = 0; second < 60; second += 1) {
      write('lost', second % 2 ? 9 : 5)
      vi.advanceTimersByTime(1000)
    }
    expect(warnings).toEqual([expect.stringMatching(FULL)])
    vi.advanceTimersByTime(30_000)
    expect(warnings.slice(1)).toEqual(['dropped 60 log records: queue_full 30 DEBUG, 30 INFO'])
    vi.advanceTimersByTime(60_000)
    expect(warnings).toHaveLength(2)
  })

  test('writes one line for drops that pause for less than half a minute', () => {
    const { write } = full()
    for (let round = 0; round < 5; round += 1) {
      write('lost')
      vi.advanceTimersByTime(25_000)
    }
    expect(warnings).toHaveLength(1)
    vi.advanceTimersByTime(30_000)
    expect(warnings).toHaveLength(2)
    write('lost')
    expect(warnings).toEqual([expect.stringMatching(FULL), expect.anything(), expect.stringMatching(FULL)])
  })

  test('writes the totals when the pipeline is shut down', async () => {
    const { transport, pipeline, write } = full()
    write('lost')
    const ended = pipeline.shutdown()
    await transport.arrived(1)
    transport.answer(delivered)
    await ended
    expect(warnings.at(-1)).toBe('dropped 1 log record: queue_full 1 INFO')
    expect(vi.getTimerCount()).toBe(0)
  })
})
