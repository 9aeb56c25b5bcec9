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
  MemoryStore,
  type QueuedRequest,
  releaseContent,
  RequestList,
  setEntry,
} from '../../src/queue/queuedRequest.ts'
import { SendingQueue } from '../../src/queue/sendingQueue.ts'
import { delivered, ManualTransport, recordOf, scope } from '../manualPipeline.ts'

const ENTRY = { count: 1, bytes: 1, sequence: 7 }
const UNLIMITED = { bytes: Infinity, records: Infinity }

function batch() {
  const open = new OpenBatch()
  open.add(scope, recordOf('body', 9), {})
  return open.seal()!
}

test('QueuedRequest names the location of its content when that changes', () => {
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

test('QueuedRequest has no content when it is released without an entry', () => {
  const request = createQueuedRequest(1, batch())
  releaseContent(request)
  expect([request.payload, entryOf(request), chunksOf(request)]).toEqual([
    { location: 'none' },
    undefined,
    [],
  ])
})

test('createSpooledRequest returns a request on disk with the sequence of its entry', () => {
  expect(createSpooledRequest(ENTRY)).toMatchObject({
    sequence: 7,
    count: 1,
    state: 'queued',
    payload: { location: 'disk' },
  })
})

/** Queues one request, and sends it in a later turn of the event loop. */
function sendOne() {
  const transport = new ManualTransport()
  const store = new MemoryStore(UNLIMITED)
  const queue = new SendingQueue(transport, new PipelineCounters(undefined), store, undefined)
  const request = queue.enqueue(batch())
  queue.send()
  return { transport, queue, request }
}

test.each([
  ['delivered', delivered],
  ['refused', { kind: 'failed', reason: 'HTTP 400' } as const],
] as const)('QueuedRequest is queued, inFlight, then done when it is %s', async (_, outcome) => {
  const { transport, queue, request } = sendOne()
  expect(request.state).toBe('queued')
  await transport.arrived(1)
  expect(request.state).toBe('inFlight')
  const flushed = queue.flush(Infinity)
  transport.answer(outcome)
  await flushed
  expect(request).toMatchObject({ state: 'done', payload: { location: 'none' } })
  expect(queue.unfinished.size).toBe(0)
})

test('QueuedRequest is queued again, then done, when a shutdown aborts its attempt', async () => {
  const { transport, queue, request } = sendOne()
  await transport.arrived(1)
  const states: string[] = []
  await queue.close(0, async () => void states.push(request.state))
  expect([...states, request.state]).toEqual(['queued', 'done'])
})

const spooled = (sequence: number): QueuedRequest => createSpooledRequest({ sequence, count: 1, bytes: 1 })

/** Deletes the requests of a list from the first on. Returns their sequences. */
function drain(list: RequestList): number[] {
  const sequences: number[] = []
  for (let { first } = list; first !== undefined; first = list.first) {
    sequences.push(first.sequence)
    list.delete(first)
  }
  return sequences
}

test.each([
  [1, [2, 3, 4]],
  [2, [1, 3, 4]],
  [3, [1, 2, 4]],
])('RequestList keeps the order of all others when request %i of 3 is deleted', (deleted, left) => {
  const list = new RequestList()
  const requests = [1, 2, 3].map(spooled)
  for (const each of requests) list.add(each)
  list.delete(requests[deleted - 1]!)
  expect(requests.map((each) => list.has(each))).toEqual([1, 2, 3].map((n) => n !== deleted))
  list.add(spooled(4))
  expect(drain(list)).toEqual(left)
})

test('RequestList accepts requests again when it was cleared', () => {
  const list = new RequestList()
  const [first, second] = [spooled(1), spooled(2)]
  list.add(first)
  list.add(second)
  list.clear()
  expect([list.first, list.has(first), list.has(second)]).toEqual([undefined, false, false])
  list.add(second)
  expect(drain(list)).toEqual([2])
})
