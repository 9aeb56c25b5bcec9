import { describe, expect, test, vi } from 'vitest'
import { expectBalance } from '../../../tests/support/account.ts'
import { complaints } from './complaints.ts'
import { delivered, recordOf, scope, start } from './manualPipeline.ts'
import { receiver } from './receive.ts'

complaints()
const { decode } = receiver()

describe('when the receiver is back', () => {
  /** Four requests in flight that have been tried again and again, and more that wait. */
  async function outage() {
    const parts = start({ maxExportBatchSize: 1, scheduledDelayMillis: 2 ** 30 })
    for (let i = 0; i < 12; i += 1) parts.write(i)
    await parts.transport.arrived(4)
    return parts
  }
  const afterRetries = { ...delivered, attempts: 7 }

  test('requests that wait for the end of a backoff need not', async () => {
    const { transport } = await outage()
    transport.answer(afterRetries)
    await vi.waitFor(() => expect(transport.wakes).toBe(1))
  })

  test('what has piled up goes by one request at first, oldest first, then by more', async () => {
    const { transport, pipeline } = await outage()
    for (let i = 0; i < 4; i += 1) transport.answer(afterRetries)
    await transport.arrived(5)
    for (const inFlight of [1, 2, 3, 4]) {
      const arrived = transport.requests.length
      await vi.waitFor(() => expect(pipeline.stats().inFlight).toBe(inFlight))
      transport.answer()
      await transport.arrived(arrived + 1)
    }
    const bodies: unknown[] = []
    for (const request of transport.requests) bodies.push(...(await decode(request)).map(({ body }) => body))
    expect(bodies).toEqual(Array.from(bodies, (_, index) => index))
    expectBalance(pipeline.stats())
  })

  test('a flush does not pause', async () => {
    const { transport, pipeline } = await outage()
    const flushed = pipeline.forceFlush()
    for (let i = 0; i < 4; i += 1) transport.answer(afterRetries)
    for (let i = 5; i <= 12; i += 1) {
      await transport.arrived(i)
      transport.answer()
    }
    await flushed
    expect(pipeline.stats()).toMatchObject({ delivered: 12, queued: 0, inFlight: 0 })
  })
})

describe('a request that goes in parts, as it was too large', () => {
  const tooLarge = { kind: 'too-large', reason: 'larger than max' } as const

  /** Of eight records the first four are delivered, and two of the others are being sent. */
  async function halfWay(options: Parameters<typeof start>[0] = {}) {
    const parts = start({ maxExportBatchSize: 8, ...options })
    for (let i = 0; i < 8; i += 1) parts.write(i, i < 4 ? 9 : 17)
    for (const [index, outcome] of [tooLarge, delivered, tooLarge].entries()) {
      await parts.transport.arrived(index + 1)
      parts.transport.answer(outcome)
    }
    await parts.transport.arrived(4)
    return parts
  }

  test('is given up by a shutdown no further than what is still to be sent', async () => {
    const onDrop = vi.fn()
    const { pipeline } = await halfWay({ onDrop })
    expectBalance(pipeline.stats())
    await pipeline.shutdown(1)
    expect(pipeline.stats()).toMatchObject({ delivered: 4, dropped: { shutdown: 4 }, queued: 0, inFlight: 0 })
    expect(onDrop.mock.calls).toEqual([['shutdown', 4, 17]])
  })
})

test('with recordUid each record has an id of its own, but for one that brings it', async () => {
  const { transport, pipeline } = start({ recordUid: true, limits: { attributeCountLimit: 1 } })
  for (const attributes of [undefined, { a: 1 }, { 'log.record.uid': 'mine' }]) {
    pipeline.write(scope, { ...recordOf('x', 9), attributes })
  }
  void pipeline.forceFlush()
  await transport.arrived(1)
  const sent = await decode(transport.requests[0]!)
  const uids = sent.map(({ attributes }) => attributes['log.record.uid'])
  expect(uids).toEqual([
    expect.stringMatching(/^[\da-f-]{36}$/),
    expect.stringMatching(/^[\da-f-]{36}$/),
    'mine',
  ])
  expect(uids[0]).not.toBe(uids[1])
  expect(sent[1]!.attributes['a']).toBe(1)
})

test('with recordUid a record goes with an id, whatever stands in the place of its attributes', async () => {
  const { transport, pipeline } = start({ recordUid: true })
  const fails = (): never => {
    throw new Error('of a trap')
  }
  const strange: unknown[] = [
    'text',
    7,
    new Proxy({}, { has: fails, getOwnPropertyDescriptor: fails }),
    { 'log.record.uid': undefined },
    Object.create({ 'log.record.uid': 'inherited' }),
  ]
  for (const attributes of strange) {
    pipeline.write(scope, { ...recordOf('x', 9), attributes: attributes as object })
  }
  expect(pipeline.stats().dropped).toEqual({})
  void pipeline.forceFlush()
  await transport.arrived(1)
  for (const { attributes } of await decode(transport.requests[0]!)) {
    expect(attributes['log.record.uid']).toMatch(/^[\da-f-]{36}$/)
  }
})
