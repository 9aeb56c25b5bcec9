import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { routes } from './routes.ts'

const MILLIS = 1_000_000n

/** ns since the epoch of what pino itself writes. */
const std = {
  epochTime: (time) => BigInt(time) * MILLIS,
  unixTime: (time) => BigInt(time) * 1000n * MILLIS,
  isoTime: (time) => BigInt(Date.parse(time)) * MILLIS,
  isoTimeNano: (time) => BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * MILLIS + BigInt(time.slice(20, 29)),
} satisfies Record<string, (time: string) => bigint>

const at = (text: string) => () => `,"time":${text}`

describe.each(routes)('adapter through %s', (_, open) => {
  test('sends observed times in the order of the calls when many come in one millisecond', async () => {
    const { logger, arrived } = await open()
    for (let call = 0; call < 200; call += 1) logger.info({ call }, 'hello')
    const records = (await arrived()).toSorted((a, b) => Number(a.observed - b.observed))
    expect(records.map(({ attributes }) => attributes['call'])).toEqual(
      Array.from({ length: 200 }, (_, call) => call),
    )
    expect(new Set(records.map(({ observed }) => observed)).size).toBe(200)
  })

  test.each(Object.entries(std))('sends the exact time when timestamp is %s', async (name, nanos) => {
    let time = ''
    const { logger, arrived } = await open({
      timestamp() {
        const field = pino.stdTimeFunctions[name as keyof typeof std]()
        time = String((JSON.parse(`{${field.slice(1)}}`) as { time: unknown }).time)
        return field
      },
    })
    logger.info('hello')
    const [record] = await arrived()
    expect(record).toMatchObject({ time: nanos(time), attributes: {} })
  })

  test.each([
    ['epoch', at('1700000000123'), 1_700_000_000_123_000_000n],
    ['epoch in seconds', at('1700000000'), 1_700_000_000_000_000_000n],
    ['epoch in seconds with decimals', at('1700000000.125'), 1_700_000_000_125_000_000n],
    ['epoch in nanoseconds', at('1700000000123456789'), 1_700_000_000_123_456_789n],
    ['ISO with nanoseconds', at('"2023-11-14T22:13:20.123456789Z"'), 1_700_000_000_123_456_789n],
    ['ISO with an offset', at('"2023-11-14T23:13:20.123+01:00"'), 1_700_000_000_123_000_000n],
    ['with spaces', () => ', "time": "2023-11-14T22:13:20.123Z"', 1_700_000_000_123_000_000n],
    ['under another key', () => ',"@timestamp":"2023-11-14T22:13:20.123Z"', 1_700_000_000_123_000_000n],
    ["under a key of one's own", () => ',"ts":1700000000123', 1_700_000_000_123_000_000n],
  ])('sends the time when a function writes %s', async (_, timestamp, time) => {
    const { logger, arrived } = await open({ name: 'shop', timestamp })
    logger.info('hello')
    expect(await arrived()).toMatchObject([{ time, scope: 'shop', attributes: {} }])
  })

  test('sends an attribute when timestamp writes another field behind the time', async () => {
    const { logger, arrived } = await open({
      timestamp: () => ',"time":1700000000123,"zone":"CET"',
      base: null,
    })
    logger.info('hello')
    expect(await arrived()).toMatchObject([{ time: 1_700_000_000_123_000_000n, attributes: { zone: 'CET' } }])
  })

  test.each<[string, boolean | (() => string), object]>([
    ['false', false, {}],
    ['nullTime', pino.stdTimeFunctions.nullTime, {}],
    ['a text that is no time', at('"half past nine"'), { time: 'half past nine' }],
    ['such a text under another key', () => ',"ts":"half past nine"', { ts: 'half past nine' }],
    ['an object', at('{"hour":9}'), { time: { hour: 9 } }],
  ])(
    'sends the time of the call, and loses nothing, when timestamp is %s',
    async (_, timestamp, attributes) => {
      const { logger, arrived } = await open({ timestamp })
      const before = Date.now()
      logger.info({ a: 1 }, 'hello')
      const [record] = await arrived()
      expect(record!.attributes).toMatchObject({ ...attributes, a: 1 })
      expect(Number(record!.time / MILLIS)).toBeGreaterThanOrEqual(before)
      expect(Number(record!.time / MILLIS)).toBeLessThanOrEqual(Date.now())
    },
  )
})
