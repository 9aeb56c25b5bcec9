import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReceivedLogRecord, Viewer } from '../src/index.ts'
import { encode, exportGrpc, oneLog, postJson, start } from './otlp.ts'

let viewer: Viewer

beforeAll(async () => {
  viewer = await start()
})

afterAll(() => viewer.close())

type Send = (record: object) => Promise<ReceivedLogRecord>

/** Returns the record of the one request that `send` makes. */
async function receive(send: () => Promise<unknown>): Promise<ReceivedLogRecord> {
  let record: ReceivedLogRecord | undefined
  const listener = (records: ReceivedLogRecord[]): void => {
    record = records[0]
  }
  viewer.on('logs', listener)
  await send()
  viewer.off('logs', listener)
  return record!
}

const protobuf: Send = (record) =>
  receive(() => exportGrpc(viewer.grpcPort, 'logs', encode('logs', oneLog(record))))
const json: Send = (record) =>
  receive(async () => {
    const response = await postJson(viewer, '/v1/logs', oneLog(record))
    expect(await response.text()).toBe('{}')
  })

const values = [
  { any: { stringValue: 'text' }, plain: 'text' },
  { any: { stringValue: '' }, plain: '' },
  { any: { boolValue: false }, plain: false },
  { any: { intValue: '42' }, plain: 42 },
  { any: { intValue: '-1' }, plain: -1 },
  { any: { intValue: '9007199254740991' }, plain: 9007199254740991 },
  { any: { intValue: '-9007199254740991' }, plain: -9007199254740991 },
  { any: { intValue: '9007199254740993' }, plain: 9007199254740993n },
  { any: { intValue: '9223372036854775807' }, plain: 9223372036854775807n },
  { any: { intValue: '-9223372036854775808' }, plain: -9223372036854775808n },
  { any: { doubleValue: 1.5 }, plain: 1.5 },
  { any: { doubleValue: 42 }, plain: 42 },
  { any: { doubleValue: 1e300 }, plain: 1e300 },
  { any: { bytesValue: 'AAH/' }, plain: new Uint8Array([0, 1, 255]) },
  { any: { bytesValue: '' }, plain: new Uint8Array() },
  { any: { arrayValue: { values: [{ intValue: '1' }, {}, { stringValue: 'x' }] } }, plain: [1, null, 'x'] },
  { any: { arrayValue: {} }, plain: [] },
  {
    any: { kvlistValue: { values: [{ key: 'a', value: { boolValue: true } }, { key: 'b' }] } },
    plain: { a: true, b: null },
  },
  { any: { kvlistValue: {} }, plain: {} },
  { any: {}, plain: null },
]

describe.each([
  { encoding: 'protobuf', send: protobuf },
  { encoding: 'JSON', send: json },
])('$encoding decodes', ({ send }) => {
  it.each(values)('the value $any', async ({ any, plain }) => {
    const record = await send({ body: any, attributes: [{ key: 'k', value: any }] })
    expect(record.body).toEqual(plain)
    expect(record.attributes).toEqual({ k: plain })
    expect(record.raw.body!.value).toBe(Object.keys(any)[0])
  })

  it('a missing body and a missing value as null', async () => {
    const record = await send({ attributes: [{ key: 'k' }] })
    expect(record.body).toBeNull()
    expect(record.attributes).toEqual({ k: null })
  })

  it('keys that equal names of Object.prototype', async () => {
    const record = await send({
      attributes: [
        { key: '__proto__', value: { stringValue: 'p' } },
        {
          key: 'constructor',
          value: { kvlistValue: { values: [{ key: '__proto__', value: { intValue: '1' } }] } },
        },
      ],
    })
    expect(Object.keys(record.attributes)).toEqual(['__proto__', 'constructor'])
    expect(record.attributes['__proto__']).toBe('p')
    expect(Object.entries(record.attributes['constructor'] as object)).toEqual([['__proto__', 1]])
    expect(record.attributes['toString']).toBeUndefined()
  })

  it('values that nest as deep as the Logs SDK accepts', async () => {
    let any: object = { stringValue: 'bottom' }
    for (let depth = 0; depth < 64; depth++) any = { kvlistValue: { values: [{ key: 'n', value: any }] } }
    let value = (await send({ body: any })).body
    for (let depth = 0; depth < 64; depth++) value = (value as { n: string }).n
    expect(value).toBe('bottom')
  })

  it('nanoseconds in full precision and ids in hex', async () => {
    const id = send === json ? '4bf92f3577b34da6a3ce929d0e0e4736' : 'S/kvNXezTaajzpKdDg5HNg=='
    const record = await send({
      timeUnixNano: '18446744073709551615',
      observedTimeUnixNano: '1',
      traceId: id,
    })
    expect(record.timeUnixNano).toBe(18446744073709551615n)
    expect(record.observedTimeUnixNano).toBe(1n)
    expect(record.traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
    expect(record.spanId).toBe('')
  })
})

describe('JSON decodes', () => {
  it('all digits of 64-bit integers that are written as numbers', async () => {
    const text =
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1700000000123456789,"body":{"intValue":-9007199254740993}}]}]}]}'
    const record = await receive(() => postJson(viewer, '/v1/logs', text))
    expect(record.timeUnixNano).toBe(1700000000123456789n)
    expect(record.body).toBe(-9007199254740993n)
  })

  it('upper-case hex, unknown fields, NaN, and infinity', async () => {
    const list = ['NaN', 'Infinity', '-Infinity'].map((doubleValue) => ({ doubleValue }))
    const record = await json({
      traceId: 'ABCDEF'.padEnd(32, '0'),
      laterField: { x: 1 },
      body: { arrayValue: { values: list } },
    })
    expect(record.traceId).toBe('abcdef'.padEnd(32, '0'))
    expect(record.body).toEqual([Number.NaN, Infinity, -Infinity])
  })

  it('a severity number by number and by name', async () => {
    expect((await json({ severityNumber: 17 })).severityNumber).toBe(17)
    expect((await json({ severityNumber: 'SEVERITY_NUMBER_ERROR' })).severityNumber).toBe(17)
  })
})
