import { expect, test } from 'vitest'
import { OpenBatch } from '../../src/otlp/openBatch.ts'
import { PipelineCounters } from '../../src/queue/counters.ts'
import {
  batchOf,
  chunksOf,
  createQueuedRequest,
  createSpooledRequest,
  encodedRequestOf,
  entryOf,
  releaseContent,
  setEntry,
} from '../../src/queue/queuedRequest.ts'
import { MemoryStore } from '../../src/queue/requestStore.ts'
import { SendingQueue } from '../../src/queue/sendingQueue.ts'
import { delivered, ManualTransport, recordOf, scope } from '../manualPipeline.ts'

const ENTRY = { count: 1, bytes: 1, sequence: 7 }
const UNLIMITED = { bytes: Infinity, records: Infinity }

function batch() {
  const open = new OpenBatch()
  open.add(scope, recordOf('body', 9), {})
  return open.seal()!
}

test('a queued request names the location of its content when that changes', () => {
  const request = createQueuedRequest(1, batch())
  expect(request.payload.location).toBe('memory')
  expect(chunksOf(request)).toMatchObject([{ recordCount: 1 }])
  expect([request.payload.location, batchOf(request)]).toEqual(['memory', undefined])
  setEntry(request, ENTRY)
  expect(request.payload.location).toBe('both')
  releaseContent(request)
  expect(request).toMatchObject({ memoryBytes: 0, payload: { location: 'disk', entry: ENTRY } })
  expect(encodedRequestOf(request)).toBeUndefined()
})

test('a queued request has no content when it is released without an entry', () => {
  const request = createQueuedRequest(1, batch())
  releaseContent(request)
  expect([request.payload, entryOf(request), chunksOf(request)]).toEqual([
    { location: 'none' },
    undefined,
    [],
  ])
})

test('a queued request of an entry is on disk, with the sequence of that entry', () => {
  expect(createSpooledRequest(ENTRY)).toMatchObject({
    sequence: 7,
    count: 1,
    state: 'queued',
    payload: { location: 'disk' },
  })
})

test.each([
  ['done', 'delivered', delivered],
  ['done', 'refused', { kind: 'failed', reason: 'HTTP 400' } as const],
] as const)('a queued request is queued, inFlight, then %s when it is %s', async (state, _, outcome) => {
  const transport = new ManualTransport()
  const queue = new SendingQueue(
    transport,
    new PipelineCounters(undefined),
    new MemoryStore(UNLIMITED),
    undefined,
  )
  const request = queue.enqueue(batch())
  expect(request.state).toBe('queued')
  queue.send()
  await transport.arrived(1)
  expect(request.state).toBe('inFlight')
  const flushed = queue.flush(Infinity)
  transport.answer(outcome)
  await flushed
  expect(request).toMatchObject({ state, payload: { location: 'none' } })
  expect(queue.unfinished.size).toBe(0)
})

test('a queued request is queued again, then done, when a shutdown aborts its attempt', async () => {
  const transport = new ManualTransport()
  const queue = new SendingQueue(
    transport,
    new PipelineCounters(undefined),
    new MemoryStore(UNLIMITED),
    undefined,
  )
  const request = queue.enqueue(batch())
  queue.send()
  await transport.arrived(1)
  const states: string[] = []
  await queue.close(0, async () => void states.push(request.state))
  expect([...states, request.state]).toEqual(['queued', 'done'])
})
