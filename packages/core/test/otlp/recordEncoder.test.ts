import { resourceFromAttributes } from '@opentelemetry/resources'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lengthTag } from '../../src/otlp/fields.ts'
import { encodeResource, encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import type { EncodableRecord } from '../../src/otlp/recordEncoder.ts'
import { ProtobufWriter } from '../../src/otlp/protobufWriter.ts'
import { encodeRequest, severitiesOf, splitRequest } from '../../src/otlp/logsRequest.ts'
import { receiver } from '../receive.ts'

const { decode } = receiver()
const resource = encodeResource(resourceFromAttributes({ 'service.name': 'shop' }))
const scope = encodeScope({ name: 'orders', version: '1.2', schemaUrl: 'https://example.org/1' }, resource)
const limits = { attributeCountLimit: 128, attributeValueLengthLimit: Infinity }

function record(fields: Partial<EncodableRecord> = {}): EncodableRecord {
  return {
    timestamp: [1_700_000_000, 123_456_789],
    observedTimestamp: [1_700_000_001, 1],
    severityNumber: 9,
    severityText: 'info',
    body: 'hello',
    attributes: undefined,
    droppedAttributesCount: 0,
    eventName: undefined,
    spanContext: undefined,
    ...fields,
  }
}

async function roundTrip(fields: Partial<EncodableRecord>, with_ = limits) {
  const batch = new OpenBatch()
  batch.add(scope, record(fields), with_)
  const [received] = await decode(encodeRequest(batch.seal()!))
  return received!
}

describe('RecordEncoder.logRecord', () => {
  test('writes the eight bits of the W3C trace flags when the span has more', async () => {
    const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
    for (const traceFlags of [0x1ff, 0xffff_ff01, -1, 257.5]) {
      const { flags } = await roundTrip({ spanContext: { ...ids, traceFlags } })
      expect(flags, String(traceFlags)).toBe(traceFlags & 0xff)
    }
  })

  test('writes every field of a record', async () => {
    const received = await roundTrip({
      eventName: 'order.placed',
      attributes: { a: 1 },
      spanContext: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 },
    })
    expect(received).toMatchObject({
      timeUnixNano: 1_700_000_000_123_456_789n,
      observedTimeUnixNano: 1_700_000_001_000_000_001n,
      severityNumber: 9,
      severityText: 'info',
      body: 'hello',
      eventName: 'order.placed',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      flags: 1,
    })
    expect({ ...received.attributes }).toEqual({ a: 1 })
    expect(received.scope).toMatchObject({
      name: 'orders',
      version: '1.2',
      schemaUrl: 'https://example.org/1',
    })
    expect({ ...received.resource.attributes }).toEqual({ 'service.name': 'shop' })
  })

  test('writes each record of a batch when the length of one takes more or fewer bytes than that of the record before', async () => {
    const lengths = [0, 20, 200, 30_000, 10, 100, 17_000, 300, 0]
    const around = [100, 16_350, 90].flatMap((from) => Array.from({ length: 40 }, (_, index) => from + index))
    const bodies = [...lengths, ...around, ...lengths].map((length) => 'x'.repeat(length))
    const batch = new OpenBatch()
    const sizes = bodies.map((body) => batch.add(scope, record({ body }), limits))
    const alone = bodies.map((body) => new OpenBatch().add(scope, record({ body }), limits))
    expect(sizes).toEqual(alone)
    const received = await decode(encodeRequest(batch.seal()!))
    expect(received.map(({ body }) => body)).toEqual(bodies)
  })

  test('writes bodies and attributes when a character beyond ASCII stands at any place of a short text', async () => {
    const texts: string[] = []
    for (let length = 1; length <= 44; length += 1) {
      const ascii = 'abcdefghijklmnopqrstuvwxyz'.repeat(2).slice(0, length)
      texts.push(ascii)
      for (let at = 0; at < length; at += 1) {
        for (const character of ['\u0080', 'é', '木', '\u{1f600}'])
          texts.push(ascii.slice(0, at) + character + ascii.slice(at + 1))
      }
    }
    const batch = new OpenBatch()
    for (const text of texts) batch.add(scope, record({ body: text, attributes: { text } }), limits)
    const received = await decode(encodeRequest(batch.seal()!))
    expect(received.map(({ body }) => body)).toEqual(texts)
    expect(received.map(({ attributes }) => attributes['text'])).toEqual(texts)
  })

  test.each([
    [0, 0],
    [65_535, 999_999_999],
    [4_294_967, 295_000_000],
    [1_795_367_723, 658_000_000],
    [18_446_744_073, 709_551_615],
  ])('writes the time %i s %i ns exactly', async (seconds, nanoseconds) => {
    const { timeUnixNano } = await roundTrip({ timestamp: [seconds, nanoseconds] })
    expect(timeUnixNano).toBe(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds))
  })

  test('writes any time exactly', async () => {
    const time = fc.tuple(fc.nat({ max: 18_446_744_072 }), fc.nat({ max: 999_999_999 }))
    await fc.assert(
      fc.asyncProperty(fc.array(time, { minLength: 1, maxLength: 50 }), async (times) => {
        const batch = new OpenBatch()
        for (const timestamp of times) batch.add(scope, record({ timestamp }), limits)
        const received = await decode(encodeRequest(batch.seal()!))
        expect(received.map(({ timeUnixNano }) => timeUnixNano)).toEqual(
          times.map(([s, ns]) => BigInt(s) * 1_000_000_000n + BigInt(ns)),
        )
      }),
      { numRuns: 20 },
    )
  })
})

describe('RecordEncoder', () => {
  test.each([
    ['text', 'text'],
    ['', ''],
    [0, 0],
    [127, 127],
    [128, 128],
    [2 ** 31, 2 ** 31],
    [2 ** 32 + 1, 2 ** 32 + 1],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [-1, -1],
    [Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    [1.5, 1.5],
    [NaN, NaN],
    [Infinity, Infinity],
    [2n ** 62n, 2n ** 62n],
    [-(2n ** 63n), -(2n ** 63n)],
    [2n ** 64n, (2n ** 64n).toString()],
    [true, true],
    [false, false],
    [null, null],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [Buffer.from('bytes'), new Uint8Array(Buffer.from('bytes'))],
    [
      [1, 'two', [3]],
      [1, 'two', [3]],
    ],
    ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
    ['é'.repeat(100), 'é'.repeat(100)],
    ['漢字🎉'.repeat(10_000), '漢字🎉'.repeat(10_000)],
  ])('writes the value of case %#', async (value, expected) => {
    const received = await roundTrip({ body: value, attributes: { value, after: 1 } })
    expect(received.body).toEqual(expected)
    expect({ ...received.attributes }).toEqual({ value: expected, after: 1 })
  })

  test('writes -0 as a double', async () => {
    const { raw } = await roundTrip({ body: -0 })
    expect(raw.body?.doubleValue).toBe(-0)
  })

  test('writes texts whole when they have any length', async () => {
    for (const [unit, lengths] of [
      ['a', [126, 127, 128, 129, 16_383, 16_384, 70_000]],
      ['é', [63, 64, 127, 128, 8191, 8192, 16_384]],
      ['漢', [42, 43, 5461, 5462, 20_000]],
    ] as const) {
      for (const length of lengths) {
        const text = unit.repeat(length)
        expect((await roundTrip({ body: text })).body === text, `${unit} x ${length}`).toBe(true)
      }
    }
  })

  test('counts attributes as dropped when they exceed the limit', async () => {
    const received = await roundTrip(
      { attributes: { a: 1, b: 2, c: 3 } },
      { ...limits, attributeCountLimit: 2 },
    )
    expect({ ...received.attributes }).toEqual({ a: 1, b: 2 })
    expect(received.droppedAttributesCount).toBe(1)
  })

  test('writes maps when they are nested 64 deep', async () => {
    let deep: unknown = 'bottom'
    for (let depth = 0; depth < 100; depth += 1) deep = { deep }
    let received: any = (await roundTrip({ attributes: { deep } })).attributes
    let depth = 0
    while (received?.['deep']) {
      received = received['deep']
      depth += 1
    }
    expect(depth).toBe(64)
  })
})

describe('OpenBatch', () => {
  const other = encodeScope({ name: 'payments' }, resource)

  function batchOf(count: number) {
    const batch = new OpenBatch()
    for (let i = 0; i < count; i += 1) batch.add(i % 2 ? other : scope, record({ body: i }), limits)
    return batch.seal()!
  }

  test('holds each scope once, with its records in order', async () => {
    const received = await decode(encodeRequest(batchOf(10)))
    expect(received.map(({ scope, body }) => [scope.name, body])).toEqual([
      ...[0, 2, 4, 6, 8].map((body) => ['orders', body]),
      ...[1, 3, 5, 7, 9].map((body) => ['payments', body]),
    ])
    expect(new Set(received.map(({ scope }) => scope)).size).toBe(2)
  })

  test('removes the last record', async () => {
    const batch = new OpenBatch()
    batch.add(scope, record({ body: 'first' }), limits)
    batch.removeLast(batch.add(other, record({ body: 'second' }), limits))
    batch.add(scope, record({ body: 'third' }), limits)
    const sealed = batch.seal()!
    expect(sealed.count).toBe(2)
    expect((await decode(encodeRequest(sealed))).map(({ body }) => body)).toEqual(['first', 'third'])
  })

  test('is split into halves that together are the whole, resource and scopes included', async () => {
    const halves = splitRequest(encodeRequest(batchOf(11)), 11)
    const received = [await decode(halves[0]), await decode(halves[1])]
    expect(received.map((half) => half.length)).toEqual([5, 6])
    const bodies = received.flat().map(({ body }) => Number(body))
    expect(bodies.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    for (const { resource, scope } of received.flat()) {
      expect(resource.attributes).toEqual({ 'service.name': 'shop' })
      expect(['orders', 'payments']).toContain(scope.name)
    }
  })

  test('has its records counted by severity', () => {
    const batch = new OpenBatch()
    for (const severityNumber of [0, 9, 17, 9, 24]) batch.add(scope, record({ severityNumber }), limits)
    const sealed = batch.seal()!
    for (const counted of [severitiesOf(sealed), severitiesOf(encodeRequest(sealed))]) {
      expect(Object.fromEntries(counted)).toEqual({ 0: 1, 9: 2, 17: 1, 24: 1 })
    }
  })

  test('has its records counted without hanging when its request is truncated anywhere', () => {
    const request = encodeRequest(batchOf(4))
    for (let length = 0; length <= request.length; length += 1) {
      let records = 0
      for (const count of severitiesOf(request.subarray(0, length)).values()) records += count
      expect(records).toBeLessThanOrEqual(4)
    }
  })

  test('stops encoding a record when it is too large for a request', () => {
    const batch = new OpenBatch()
    let read = 0
    const long = { toJSON: () => `${(read += 1)}`.padEnd(1_000_000) }
    const endless = Array.from({ length: 1000 }, () => long)
    expect(() => batch.add(scope, record({ body: endless }), limits)).toThrow(RangeError)
    expect(read).toBeLessThan(20)
    expect(batch.bytes).toBe(0)
    expect(() => batch.add(scope, record({ body: 'x'.repeat(50_000_000) }), limits)).toThrow(RangeError)
    expect(batch['encoder'].view().buffer.byteLength).toBeLessThanOrEqual(2 * 1024 * 1024)
  })

  test('keeps no byte of a record when the record cannot be encoded', async () => {
    const batch = new OpenBatch()
    batch.add(scope, record({ body: 'good' }), limits)
    const bytes = batch.bytes
    expect(() => batch.add(scope, record({ timestamp: undefined as never }), limits)).toThrow(TypeError)
    expect(batch.bytes).toBe(bytes)
    expect((await decode(encodeRequest(batch.seal()!))).map(({ body }) => body)).toEqual(['good'])
  })
})

describe('ProtobufWriter', () => {
  const TAG = lengthTag(1)
  const CAPACITY = 64 * 1024

  test.for([
    ['ASCII', 'a'],
    ['two bytes', 'é'],
    ['three bytes', '日'],
    ['four bytes', '😀'],
    ['a lone surrogate', '\ud800'],
  ] as const)('writes a long text whole when it ends at the end of the buffer: %s', ([, character]) => {
    const size = Buffer.byteLength(character)
    for (let free = -8; free <= 8; free += 1) {
      const writer = new ProtobufWriter()
      const value = 'a'.repeat(20_000) + character.repeat(5000)
      writer.skip(CAPACITY - (20_000 + 5000 * size) - 4 - free)
      const start = writer.position
      writer.stringField(TAG, value)
      const encoded = Buffer.from(value)
      const written = writer.view(start)
      expect(written.subarray(4).equals(encoded)).toBe(true)
      expect([...written.subarray(0, 4)]).toEqual([
        TAG,
        (encoded.length & 0x7f) | 0x80,
        ((encoded.length >> 7) & 0x7f) | 0x80,
        encoded.length >> 14,
      ])
    }
  })

  test.for([0, 1, 127, 128, 16_383, 16_384])(
    'writes the same message for each expected size of its length when it has %i bytes',
    (length) => {
      const content = Buffer.alloc(length, 7)
      const messages = [1, 2, 3].map((lengthBytes) => {
        const writer = new ProtobufWriter()
        writer.begin(TAG, lengthBytes)
        writer.raw(content)
        writer.end(lengthBytes)
        return Buffer.from(writer.view()).toString('hex')
      })
      const writer = new ProtobufWriter()
      writer.header(TAG, length)
      writer.raw(content)
      expect(new Set(messages)).toEqual(new Set([writer.view().toString('hex')]))
    },
  )
})
