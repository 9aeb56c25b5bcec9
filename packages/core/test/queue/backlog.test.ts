import { expect, test } from 'vitest'
import { Backlog } from '../../src/queue/backlog.ts'
import { OpenBatch } from '../../src/otlp/openBatch.ts'
import { createQueuedRequest, type QueuedRequest } from '../../src/queue/queuedRequest.ts'
import type { Spool, SpoolEntry } from '../../src/spool/types.ts'
import { recordOf, scope } from '../manualPipeline.ts'

const ERROR = 17
const UNLIMITED = { bytes: Infinity, records: Infinity }
let number = 0

/** Makes a queued request of one record. */
function createRequest(body: string, severityNumber = 9): QueuedRequest {
  const open = new OpenBatch()
  open.add(scope, recordOf(body, severityNumber), {})
  number += 1
  return createQueuedRequest(number, open.seal()!)
}

/** Mocks a spool with a number of waiting entries. */
function spoolWith(waiting: number): Spool {
  const spool = {
    waiting,
    take: () => {
      spool.waiting -= 1
      return [{ count: 1, bytes: 1, sequence: 0 } satisfies SpoolEntry]
    },
  }
  return spool as Partial<Spool> as Spool
}

test('Backlog alternates between disk and memory when both hold requests', () => {
  const backlog = new Backlog(spoolWith(3), { ...UNLIMITED, records: 1 })
  for (let i = 0; i < 6; i += 1) backlog.add(createRequest('any'))
  const fromDisk = Array.from({ length: 9 }, () =>
    backlog.take().some(({ payload }) => payload.location === 'disk'),
  )
  expect(fromDisk).toEqual([true, false, true, false, true, false, false, false, false])
  expect(backlog.isEmpty).toBe(true)
})

test('Backlog takes a severe batch before later batches when it is on disk too', () => {
  const backlog = new Backlog(spoolWith(0), { ...UNLIMITED, records: 1 })
  const severe = createRequest('severe', ERROR)
  const later = createRequest('later')
  backlog.add(severe)
  backlog.add(later)
  expect(backlog.onSpooled(severe)).toEqual([])
  expect([backlog.take(), backlog.take()]).toEqual([[severe], [later]])
})

test('Backlog releases the oldest severe batches from memory when those on disk exceed 1 MiB', () => {
  const backlog = new Backlog(spoolWith(0), UNLIMITED)
  const severe = Array.from({ length: 5 }, () => createRequest('x'.repeat(300_000), ERROR))
  for (const queuedRequest of severe) backlog.add(queuedRequest)
  const released = severe.map((queuedRequest) => backlog.onSpooled(queuedRequest))
  expect(released).toEqual([[], [], [], [severe[0]], [severe[1]]])
})
