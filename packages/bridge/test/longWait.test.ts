import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { noteLongWait } from '../src/longWait.ts'
import { timers } from '../src/timers.ts'
import { diagMessages } from './diagMessages.ts'

const warnings = diagMessages()

beforeEach(() => useFakeTimers(timers))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('noteLongWait reports a wait once when it lasts longer than a second', () => {
  const end = noteLongWait('a receiver, at most 3000 ms')
  vi.advanceTimersByTime(999)
  expect(warnings).toEqual([])
  vi.advanceTimersByTime(10_000)
  end()
  expect(warnings).toEqual(['logbridge: still waiting for a receiver, at most 3000 ms'])
})

test('noteLongWait reports nothing when the wait ends within a second', () => {
  const end = noteLongWait('a receiver that answers')
  vi.advanceTimersByTime(999)
  end()
  vi.advanceTimersByTime(10_000)
  expect(warnings).toEqual([])
})

test('noteLongWait reports one line when several waits have the same text', () => {
  const ends = [noteLongWait('one receiver'), noteLongWait('one receiver'), noteLongWait('another')]
  vi.advanceTimersByTime(1000)
  for (const end of ends) end()
  expect(warnings).toEqual([
    'logbridge: still waiting for one receiver',
    'logbridge: still waiting for another',
  ])
})

test('noteLongWait reports a wait again when a minute has passed', () => {
  const wait = (): void => {
    const end = noteLongWait('a slow receiver')
    vi.advanceTimersByTime(1000)
    end()
  }
  wait()
  wait()
  vi.advanceTimersByTime(60_000)
  // The end of this one sees that the minute is over.
  wait()
  wait()
  expect(warnings).toHaveLength(2)
})

test('noteLongWait asks a function what is waited for when the second is over', () => {
  let left = 12
  const end = noteLongWait(() => `${left} log records`)
  left = 3
  vi.advanceTimersByTime(1000)
  end()
  expect(warnings).toEqual(['logbridge: still waiting for 3 log records'])
})
