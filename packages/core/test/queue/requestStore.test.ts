import { expect, test } from 'vitest'
import { createSpooledRequest, type QueuedRequest } from '../../src/queue/queuedRequest.ts'
import { RequestList } from '../../src/queue/requestStore.ts'

const request = (sequence: number): QueuedRequest => createSpooledRequest({ sequence, count: 1, bytes: 1 })

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
  const requests = [1, 2, 3].map(request)
  for (const each of requests) list.add(each)
  list.delete(requests[deleted - 1]!)
  expect(requests.map((each) => list.has(each))).toEqual([1, 2, 3].map((n) => n !== deleted))
  list.add(request(4))
  expect(drain(list)).toEqual(left)
})

test('RequestList accepts requests again when it was cleared', () => {
  const list = new RequestList()
  const [first, second] = [request(1), request(2)]
  list.add(first)
  list.add(second)
  list.clear()
  expect([list.first, list.has(first), list.has(second)]).toEqual([undefined, false, false])
  list.add(second)
  expect(drain(list)).toEqual([2])
})
