import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { now, toHrTime } from '../src/time.ts'

/** 2023-11-14T22:13:20Z */
const SECONDS = 1_700_000_000

describe('toHrTime returns a time', () => {
  test.for<[string, unknown, [number, number]]>([
    ['a Date', new Date(SECONDS * 1000 + 123), [SECONDS, 123_000_000]],
    ['seconds', SECONDS, [SECONDS, 0]],
    ['seconds with a fraction', SECONDS + 0.123456, [SECONDS, 123_456_000]],
    ['milliseconds', SECONDS * 1e3 + 123, [SECONDS, 123_000_000]],
    ['milliseconds with a fraction', SECONDS * 1e3 + 0.5, [SECONDS, 500_000]],
    ['microseconds', SECONDS * 1e6 + 123_457, [SECONDS, 123_457_000]],
    ['bigint nanoseconds', BigInt(SECONDS) * 10n ** 9n + 123_456_789n, [SECONDS, 123_456_789]],
    ['[s, ns]', [SECONDS, 123_456_789], [SECONDS, 123_456_789]],
    ['ISO', '2023-11-14T22:13:20.123Z', [SECONDS, 123_000_000]],
    ['ISO with nine decimals', '2023-11-14T22:13:20.123456789Z', [SECONDS, 123_456_789]],
    ['ISO with more', '2023-11-14T22:13:20.1234567891Z', [SECONDS, 123_456_789]],
    ['ISO with an offset', '2023-11-15T00:13:20.123456+02:00', [SECONDS, 123_456_000]],
    ['ISO with a decimal comma', '2023-11-14T22:13:20,123456Z', [SECONDS, 123_456_000]],
    ['a space for the T', '2023-11-14 22:13:20.5Z', [SECONDS, 500_000_000]],
    ['an HTTP date', 'Tue, 14 Nov 2023 22:13:20 GMT', [SECONDS, 0]],
    ['a Date as text', 'Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)', [SECONDS, 0]],
    ['a date with slashes, year first', '2023/11/14 22:13:20Z', [SECONDS, 0]],
    ['seconds as text', `${SECONDS}`, [SECONDS, 0]],
    ['seconds with a fraction as text', `${SECONDS}.25`, [SECONDS, 250_000_000]],
    ['milliseconds as text', ` ${SECONDS}123 `, [SECONDS, 123_000_000]],
    ['nanoseconds as text', `${SECONDS}123456789`, [SECONDS, 123_456_789]],
    ['the epoch', 0, [0, 0]],
  ])('when the value is %s', ([, value, expected]) => {
    expect(toHrTime(value)).toEqual(expected)
  })

  test('as precise as a number when the value is a number of nanoseconds', () => {
    const [seconds, nanoseconds] = toHrTime(SECONDS * 1e9 + 123_000_000)!
    expect(seconds).toBe(SECONDS)
    expect(Math.abs(nanoseconds - 123_000_000)).toBeLessThan(512)
  })
})

test('toHrTime returns undefined when a text can mean several times, or is a part of a time', () => {
  const texts = ['01.02.2024 10:00', '1/2/2024, 10:00:00 AM', '22:13:20', '14', '2023', '2023-11-14', '05.12']
  for (const text of [...texts, 'Nov 14 22:13:20', 'order 7 at 22:13:20', '1e10']) {
    expect(toHrTime(text), text).toBeUndefined()
  }
})

describe('toHrTime of a text', () => {
  const { TZ } = process.env
  // 2023-11-14T22:13:20Z is 17:13:20 in New York, and 03:43:20 of the next day in India.
  const called: [number, number] = [SECONDS, 456_000_000]
  afterEach(() => {
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  })

  test('is local time when the text has no zone and lies near the call', () => {
    process.env['TZ'] = 'America/New_York'
    expect(toHrTime('2023-11-14 17:13:20', called)).toEqual([SECONDS, 0])
    expect(toHrTime('2023-11-14T17:13:20.456', called)).toEqual([SECONDS, 456_000_000])
    expect(toHrTime('Tue Nov 14 2023 17:13:20 (UTC)', called)).toEqual([SECONDS, 0])
    const local = new Date()
    const [date, time] = [local.toLocaleDateString('sv'), local.toLocaleTimeString('sv')]
    expect(toHrTime(`${date} ${time}`)).toEqual([Math.floor(local.getTime() / 1000), 0])
  })

  test.for(['America/New_York', 'Asia/Kolkata'])(
    'is undefined when the text has no zone and is UTC, in %s',
    (zone) => {
      process.env['TZ'] = zone
      for (const text of ['2023-11-14 22:13:20', '2023/11/14 22:13:20.456', 'Nov 14 2023 22:13:20 (GMT)']) {
        expect(toHrTime(text, called), text).toBeUndefined()
      }
    },
  )

  test('is far from the call when the text has a zone', () => {
    process.env['TZ'] = 'America/New_York'
    const texts = [
      'Nov 14 2023 17:13:20 EST',
      '2023-11-14 23:13:20+01',
      '2023-11-14 22:13:20 GMT',
      '2023-11-14T22:13:20Z',
    ]
    for (const text of texts) expect(toHrTime(text, [1, 0]), text).toEqual([SECONDS, 0])
  })
})

describe('toHrTime returns undefined', () => {
  test.for<[unknown]>([
    [undefined],
    [null],
    [true],
    [''],
    ['   '],
    ['yesterday'],
    // Longer than any, and than what a pattern should be tried on.
    [`Tue Nov 14 2023 22:13:20 GMT+0000 (${'x'.repeat(100)})`],
    ['info 12.5'],
    [Number.NaN],
    [Infinity],
    [-1],
    [-1n],
    [new Date(Number.NaN)],
    [new Date(-1)],
    ['1969-12-31T23:59:59Z'],
    ['2555-01-01T00:00:00Z'],
    [2n ** 64n],
    [1e21],
    [18_500_000_000],
    [[SECONDS, 1e9]],
    [[SECONDS, -1]],
    [[-1, 0]],
    [[2e10, 0]],
    [[SECONDS]],
    [[SECONDS, 0.5]],
    [['1', 2]],
    [{}],
  ])('when the value is %o', ([value]) => {
    expect(toHrTime(value)).toBeUndefined()
  })
})

test('toHrTime returns undefined when the value cannot be read', () => {
  const { proxy, revoke } = Proxy.revocable([SECONDS, 0], {})
  revoke()
  expect(toHrTime(proxy)).toBeUndefined()
})

test('toHrTime returns the same time when a text has the form of toISOString and takes the shorter way', () => {
  const digits = (length: number, max: number) =>
    fc.integer({ min: 0, max }).map((n) => String(n).padStart(length, '0'))
  const parts = fc.tuple(
    digits(4, 9999),
    digits(2, 13),
    digits(2, 32),
    digits(2, 25),
    digits(2, 61),
    digits(2, 61),
    digits(3, 999),
  )
  fc.assert(
    fc.property(parts, ([year, month, day, hour, minute, second, millis]) => {
      const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${millis}Z`
      expect(toHrTime(text)).toEqual(toHrTime(` ${text}`))
    }),
    { numRuns: 2000 },
  )
})

test('toHrTime returns a time when it is the last that OTLP can carry', () => {
  expect(toHrTime(2n ** 64n - 1n)).toEqual([18_446_744_073, 709_551_615])
})

describe('now', () => {
  beforeEach(() => void vi.setSystemTime(SECONDS * 1000 + 7))
  afterEach(() => void vi.useRealTimers())

  test('is the wall clock when a millisecond begins', () => {
    expect(now()).toEqual([SECONDS, 7_000_000])
    vi.setSystemTime(SECONDS * 1000 + 8)
    expect(now()).toEqual([SECONDS, 8_000_000])
  })

  test('counts the calls when several come in one millisecond', () => {
    expect([now(), now(), now()]).toEqual([
      [SECONDS, 7_000_000],
      [SECONDS, 7_000_001],
      [SECONDS, 7_000_002],
    ])
  })

  test('stays within the millisecond when more calls come than it has nanoseconds', () => {
    let last = now()
    for (let call = 1; call <= 1_000_001; call += 1) last = now()
    expect(last).toEqual([SECONDS, 7_999_999])
  })

  test('follows the wall clock when it goes back', () => {
    now()
    now()
    vi.setSystemTime(SECONDS * 1000 - 5000)
    expect([now(), now()]).toEqual([
      [SECONDS - 5, 0],
      [SECONDS - 5, 1],
    ])
  })
})
