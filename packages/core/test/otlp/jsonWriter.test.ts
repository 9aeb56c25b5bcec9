import fc from 'fast-check'
import protobuf from 'protobufjs'
import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, test } from 'vitest'
import type { Signal } from '../../src/config/optionTable.ts'
import { type MessageSchema, requestSchema } from '../../src/otlp/jsonSchema.ts'
import { JsonWriter } from '../../src/otlp/jsonWriter.ts'
import { comparable, idBytes, messageOf, requests } from './anyRequest.ts'

describe.each(Object.keys(requests) as Signal[])('JsonWriter of %s', (signal) => {
  const type = requests[signal]

  test('loses nothing when a request has any values in any of its fields', () => {
    const writer = new JsonWriter(signal)
    fc.assert(
      fc.property(messageOf(type, 0), (content) => {
        const request = type.encode(type.fromObject(content)).finish()
        const line = writer.line(request)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(line.toString()).not.toMatch(/[\u0085\u2028\u2029]/)
        const read = protojson.fromJson(type, JSON.parse(line.toString(), hexToBase64))
        expect(comparable(type, type.encode(read).finish())).toEqual(comparable(type, request))
      }),
      { numRuns: 300 },
    )
  })

  test('has every field of the specification', () => {
    const names = new Map<MessageSchema, string>()
    function compare(message: MessageSchema, of: protobuf.Type): void {
      if (names.has(message)) return
      names.set(message, of.name)
      const own = message.flatMap((field, number) =>
        field ? [`${number} ${Buffer.from(field.first.words.buffer).toString()} ${field.isRepeated}`] : [],
      )
      const specified = of.fieldsArray
        .toSorted((a, b) => a.id - b.id)
        .map(({ id, name, repeated }) => `${id} ${padded(`"${name}":`)} ${repeated}`)
      expect({ [of.name]: own }).toEqual({ [of.name]: specified })
      for (const { id, resolvedType } of of.fieldsArray) {
        if (resolvedType instanceof protobuf.Type) compare(message[id]!.message!, resolvedType)
      }
    }
    compare(requestSchema(signal), type)
    expect(names.size).toBeGreaterThan(9)
  })
})

/** Fills the last of the words of four bytes, as the schema has names. */
const padded = (name: string): string => name.padEnd(Math.ceil(name.length / 4) * 4, '\0')

test('JsonWriter writes ids as hex digits, integers of 64 bits as strings, and enums as numbers', () => {
  const record = {
    timeUnixNano: '1581452773000000789',
    severityNumber: 9,
    severityText: 'Info',
    body: { stringValue: 'tab\t, quote ", backslash \\, bell \u0007, € and \u2028' },
    attributes: [
      { key: 'int', value: { intValue: '-9223372036854775808' } },
      { key: 'double', value: { doubleValue: -0 } },
      { key: 'NaN', value: { doubleValue: NaN } },
      { key: 'bytes', value: { bytesValue: Buffer.from('hello') } },
      { key: 'null', value: {} },
      { key: 'list', value: { arrayValue: { values: [{ boolValue: false }, { stringValue: '' }] } } },
    ],
    droppedAttributesCount: 4_294_967_295,
    flags: 1,
    traceId: Buffer.from('08040201000000000000000000000000', 'hex'),
    spanId: Buffer.from('0102040800000000', 'hex'),
  }
  const request = requests.logs.fromObject({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] })
  const line = new JsonWriter('logs').line(requests.logs.encode(request).finish()).toString()
  // protobufjs writes the fields by number.
  expect(line).toBe(
    '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1581452773000000789","severityNumber":9,' +
      '"severityText":"Info","body":{"stringValue":"tab\\t, quote \\", backslash \\\\, bell \\u0007, € and \\u2028"},' +
      '"attributes":[{"key":"int","value":{"intValue":"-9223372036854775808"}},' +
      '{"key":"double","value":{"doubleValue":-0}},{"key":"NaN","value":{"doubleValue":"NaN"}},' +
      '{"key":"bytes","value":{"bytesValue":"aGVsbG8="}},{"key":"null","value":{}},' +
      '{"key":"list","value":{"arrayValue":{"values":[{"boolValue":false},{"stringValue":""}]}}}],' +
      '"droppedAttributesCount":4294967295,"flags":1,"traceId":"08040201000000000000000000000000",' +
      '"spanId":"0102040800000000"}]}]}]}\n',
  )
})

test('JsonWriter throws when bytes are no request', () => {
  const writer = new JsonWriter('logs')
  const good = requests.logs
    .encode({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'x' } }] }] }] })
    .finish()
  for (let size = 1; size < good.length; size += 1) {
    expect(() => writer.line(good.subarray(0, size))).toThrow(RangeError)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        JSON.parse(writer.line(bytes).toString())
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
    { numRuns: 2000 },
  )
  expect(JSON.parse(writer.line(good).toString())).toHaveProperty('resourceLogs')
})

function hexToBase64(name: string, value: unknown): unknown {
  return typeof value === 'string' && Object.hasOwn(idBytes, name)
    ? Buffer.from(value, 'hex').toString('base64')
    : value
}
