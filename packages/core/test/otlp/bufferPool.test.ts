import { timers } from '@logbridge/bridge/internal'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { BufferPool } from '../../src/otlp/bufferPool.ts'

const SIZE = 1024
const RELEASE_MILLIS = 5000
afterEach(() => {
  vi.restoreAllMocks()
})

/** Replaces the timers, and returns a function that runs the next one and returns its delay. */
function manualTimers(): () => number | undefined {
  const due: [run: () => void, millis: number][] = []
  vi.spyOn(timers, 'setTimeout').mockImplementation(((run: () => void, millis: number) => {
    due.push([run, millis])
    return {}
  }) as never)
  return () => {
    const next = due.shift()
    next?.[0]()
    return next?.[1]
  }
}

describe('BufferPool', () => {
  test('hands a buffer out again when it was given back', () => {
    const pool = new BufferPool(SIZE)
    const buffers = Array.from({ length: 10 }, () => pool.take())
    expect(new Set(buffers).size).toBe(10)
    for (const buffer of buffers) pool.give(buffer)
    expect(new Set(Array.from({ length: 10 }, () => pool.take()))).toEqual(new Set(buffers))
  })

  test('leaves a buffer to the garbage collector when it has another size, or the pool is full', () => {
    const pool = new BufferPool(SIZE)
    const other = Buffer.allocUnsafeSlow(2 * SIZE)
    pool.give(other)
    expect(pool.take()).not.toBe(other)
    const buffers = Array.from({ length: 65 }, () => pool.take())
    for (const buffer of buffers) pool.give(buffer)
    const taken = new Set(Array.from({ length: 65 }, () => pool.take()))
    expect(buffers.filter((buffer) => taken.has(buffer))).toEqual(buffers.slice(0, 64))
  })

  test('keeps four buffers when the cap of the queue has no room for more', () => {
    const pool = new BufferPool(SIZE)
    const buffers = Array.from({ length: 10 }, () => pool.take())
    for (const buffer of buffers) pool.give(buffer)
    expect(pool.spareBytes).toBe(6 * SIZE)
    pool.releaseSpare()
    expect(pool.spareBytes).toBe(0)
    const taken = new Set(Array.from({ length: 10 }, () => pool.take()))
    expect(buffers.filter((buffer) => taken.has(buffer))).toEqual(buffers.slice(0, 4))
    expect(pool.spareBytes).toBe(0)
  })

  test('releases its buffers when none was taken between two timers', () => {
    const runTimer = manualTimers()
    const pool = new BufferPool(SIZE)
    const buffer = pool.take()
    pool.give(buffer)
    expect(runTimer()).toBe(RELEASE_MILLIS)
    expect(pool.take()).toBe(buffer)
    pool.give(buffer)
    expect(runTimer()).toBe(RELEASE_MILLIS)
    expect(runTimer()).toBe(RELEASE_MILLIS)
    expect(pool.take()).not.toBe(buffer)
    expect(runTimer()).toBeUndefined()
  })

  test('releases the buffers of a flood when a steady stream of records takes one at a time', () => {
    const runTimer = manualTimers()
    const pool = new BufferPool(SIZE)
    const buffers = Array.from({ length: 50 }, () => pool.take())
    for (const buffer of buffers) pool.give(buffer)
    const seen = new Set<Buffer>()
    for (let period = 1; period <= 4; period += 1) {
      const buffer = pool.take()
      pool.give(buffer)
      seen.add(buffer)
      runTimer()
    }
    expect(seen.size).toBe(1)
    expect(pool.spareBytes).toBe(0)
  })

  test('keeps no buffer and no timer when it is closed', () => {
    const cleared = vi.spyOn(timers, 'clearTimeout').mockReturnValue()
    manualTimers()
    const pool = new BufferPool(SIZE)
    const [first, second] = [pool.take(), pool.take()]
    pool.give(first)
    pool.close()
    expect(cleared).toHaveBeenCalledOnce()
    pool.give(second)
    expect([first, second]).not.toContain(pool.take())
  })
})
