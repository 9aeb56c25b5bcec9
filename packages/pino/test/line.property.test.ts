import { hostname } from 'node:os'
import { toHrTime } from '@logbridge/bridge'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMillis } from '../src/metadata.ts'
import {
  createLine,
  type Line,
  readFields,
  readBeforeMessage,
  readPrefix,
  readUsualPrefix,
} from '../src/line.ts'
import { DEFAULTS, lineConfig } from '../src/logger.ts'

const NUM_RUNS = 2000

/** Keys that pino or the adapter itself uses among others. */
const key = fc.oneof(
  fc.constantFrom('level', 'time', 'pid', 'hostname', 'name', 'msg', 'err', '__proto__', 'a', '1'),
  fc.string(),
)
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom('"', '\\', '\n', ',', '}', ':', 'msg') }),
)
const value = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.bigInt({ max: 2n ** 65n }),
  fc.jsonValue(),
)

const json = (any: unknown): string => (typeof any === 'bigint' ? any.toString() : JSON.stringify(any))
const field = fc.tuple(key, value).map(([name, any]) => `${JSON.stringify(name)}:${json(any)}`)

const level = fc.constantFrom(
  '"level":30',
  '"level":60',
  '"level":"info"',
  '"level":-1',
  '"severity":"INFO"',
  '"level":3e1',
  '"level":"a\\"b"',
)
const time = fc.oneof(
  fc.constantFrom(
    '"time":1700000000123',
    '"time":"2023-11-14T22:13:20.123Z"',
    '"ts":1',
    '"time":1.5',
    '"time":1,"zone":"CET"',
  ),
  fc.nat().map((millis) => `"time":${millis}`),
)
const own = `"pid":${process.pid},"hostname":${JSON.stringify(hostname())}`
const base = fc.constantFrom(
  own,
  `${own}0`,
  '"pid":1,"hostname":"db"',
  `${own},"name":"shop"`,
  '"name":"a\\"b"',
  '"name":7',
)
const message = text.map((any) => `"msg":${JSON.stringify(any)}`)

/** Lines as pino writes them, others with a piece missing, doubled or broken, and what pino says of the time in them. */
const piece = fc.oneof(
  level,
  time,
  base,
  field,
  message,
  fc.constantFrom('', ' ', '"msg":', '}', '"msg":"\t"'),
)
const fields = fc.oneof({ weight: 9, arbitrary: field }, fc.constantFrom('', ' '))
const pieces = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(level, time, base, fc.array(fields, { maxLength: 4 }), message)
      .map((all) => all.flat()),
  },
  fc.array(piece, { maxLength: 8 }),
)
const metadataTime = fc.constantFrom('itself', undefined, '', '1700000000123', '1700000000124')
const line = fc
  .tuple(pieces, fc.constantFrom('}', '}\n', '}\r\n', '} \n', '}}', ' '), metadataTime)
  .map(([all, end, metadataTime]) =>
    createLine(
      `{${all.join(',')}${end}`,
      undefined,
      metadataTime === 'itself' ? all[1]?.replace(/^"\w+":/, '') : metadataTime,
    ),
  )

describe('the shorter way to read a line', () => {
  test('gives the prefix of readPrefix when the line is any', () => {
    let short = 0
    fc.assert(
      fc.property(line, (line) => {
        const head = readUsualPrefix(line)
        if (head === undefined) return
        short += 1
        expect(head).toEqual(readPrefix(line))
      }),
      { numRuns: NUM_RUNS },
    )
    expect(short).toBeGreaterThan(NUM_RUNS / 20)
  })

  test.each([
    ['by default', DEFAULTS],
    ['under another key', lineConfig({ ...DEFAULTS, messageKey: 'a' })],
  ])('gives fields and message of readFields when the message is %s', (_, config) => {
    const { messageKey } = config
    let short = 0
    fc.assert(
      fc.property(line, (line) => {
        const copy: Line = { ...line }
        const fields = readBeforeMessage(line, config)
        if (fields === undefined) {
          expect(line.message).toBeUndefined()
          return
        }
        short += 1
        const { [messageKey]: message, ...others } = readFields(copy)!
        expect({ message: line.message, fields: Object.entries(fields) }).toEqual({
          message,
          fields: Object.entries(others),
        })
      }),
      { numRuns: NUM_RUNS },
    )
    if (messageKey === 'msg') expect(short).toBeGreaterThan(NUM_RUNS / 10)
  })

  test('gives the time of toHrTime when the time is any', () => {
    const digits = fc.string({
      unit: fc.constantFrom('0', '1', '7', '9', '.', '-'),
      minLength: 11,
      maxLength: 15,
    })
    const time = fc.oneof(
      digits,
      fc.nat(1e9).map((n) => String(1_700_000_000_000 + n)),
    )
    fc.assert(
      fc.property(time, (value) => {
        const millis = readMillis(value)
        if (millis !== undefined) expect(toHrTime(millis)).toEqual(toHrTime(value))
      }),
      { numRuns: NUM_RUNS },
    )
  })
})
