import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseTime } from '../src/time.ts'
import { timeZoneOf } from '../src/timeZone.ts'

const utc = timeZoneOf('UTC')
const SECONDS = Date.parse('2026-11-29T10:00:00Z') / 1000

describe('parseTime', () => {
  test.each<[unknown, number, number]>([
    ['2026-11-29T10:00:00Z', 0, 0],
    ['2026-11-29 10:00:00', 0, 0],
    ['2026-11-29T10:00:00.5Z', 0, 500_000_000],
    ['2026-11-29T10:00:00.123456789+00:00', 0, 123_456_789],
    ['2026-11-29T10:00:00.1234567891234Z', 0, 123_456_789],
    ['2026-11-29 10:00:00,123', 0, 123_000_000],
    ['2026-11-29 11:00:00.000001+01:00', 0, 1000],
    ['2026-11-29T11:00:00+0100', 0, 0],
    ['2026-11-29T05:30:00-04:30', 0, 0],
    ['2026-11-29T11:00:00 +01', 0, 0],
    ['2026-11-29T09:59:60Z', 0, 0],
    ['Sun, 29 Nov 2026 10:00:00 GMT', 0, 0],
    [SECONDS, 0, 0],
    [SECONDS + 0.25, 0, 250_000_000],
    [SECONDS * 1e3 + 7, 0, 7_000_000],
    [SECONDS * 1e6 + 7, 0, 7000],
    [BigInt(SECONDS) * 1_000_000_000n + 7n, 0, 7],
    [String(SECONDS), 0, 0],
    [`${SECONDS}.000007`, 0, 7000],
  ])('reads %s', (value, seconds, nanos) => {
    expect(parseTime(value, utc)).toEqual([SECONDS + seconds, nanos])
  })

  test.each([
    'yesterday',
    '',
    '10:00:00',
    '2026-11-29',
    '2026-13-29T10:00:00Z',
    '2026-11-29T25:00:00Z',
    '2026-11-29T10:00:00.Z',
    '2026-11-29T10:00:00Zulu',
    '1969-12-31T23:59:59Z',
    NaN,
    -1,
    null,
    true,
    {},
  ])('returns undefined for %s', (value) => {
    expect(parseTime(value, utc)).toBeUndefined()
  })

  test('reads the time of any Date as Date.parse does', () => {
    const dates = fc.date({ min: new Date(0), max: new Date('2500-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(dates, (date) => {
        const time = parseTime(date.toISOString(), utc)
        expect(time && time[0] * 1000 + time[1] / 1e6).toBe(date.getTime())
      }),
    )
  })
})

describe('timeZoneOf', () => {
  const berlin = timeZoneOf('Europe/Berlin')
  const wall = (text: string): number => Date.parse(`${text}Z`) / 1000

  test.each([
    ['2026-07-01T12:00:00', '2026-07-01T10:00:00', 'in summer'],
    ['2026-12-01T12:00:00', '2026-12-01T11:00:00', 'in winter'],
    ['2026-03-29T01:59:59', '2026-03-29T00:59:59', 'before the clock skips an hour'],
    ['2026-03-29T02:30:00', '2026-03-29T01:30:00', 'in the hour that the clock skips'],
    ['2026-03-29T03:00:00', '2026-03-29T01:00:00', 'after the skipped hour'],
    ['2026-10-25T02:30:00', '2026-10-25T00:30:00', 'in the hour that the clock shows twice'],
    ['2026-10-25T03:00:00', '2026-10-25T02:00:00', 'after the hour that the clock shows twice'],
  ])('converts %s to %s %s', (local, expected) => {
    expect(berlin(wall(local))).toBe(wall(expected))
  })

  test('returns one conversion when thousands of files have the same zone', () => {
    expect(timeZoneOf('Europe/Berlin')).toBe(berlin)
    expect(timeZoneOf()).toBe(timeZoneOf())
    expect(timeZoneOf()).not.toBe(berlin)
  })

  test('uses the zone of the machine when no zone is given', () => {
    const date = new Date(2026, 6, 1, 12)
    expect(timeZoneOf()(Date.UTC(2026, 6, 1, 12) / 1000)).toBe(date.getTime() / 1000)
  })
})
