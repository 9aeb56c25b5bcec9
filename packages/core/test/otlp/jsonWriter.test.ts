import fc from 'fast-check'
import protobuf from 'protobufjs'
import protojson from 'protobufjs/ext/protojson.js'
import { describe, expect, test } from 'vitest'
import { schema } from '../../../viewer/src/schema.ts'
import type { Signal } from '../../src/config/optionTable.ts'
import { type MessageSchema, requestSchema } from '../../src/otlp/jsonSchema.ts'
import { JsonWriter } from '../../src/otlp/jsonWriter.ts'

// The viewer's schema, which has the text of opentelemetry-proto, and protobufjs are the oracle.

const { root } = protobuf.parse(schema)
root.resolveAll()
const requests: Record<Signal, protobuf.Type> = {
  logs: root.lookupType('ExportLogsServiceRequest'),
  traces: root.lookupType('ExportTraceServiceRequest'),
  metrics: root.lookupType('ExportMetricsServiceRequest'),
}
const ids = new Set(['traceId', 'spanId', 'parentSpanId'])

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

/** Messages with any values in any fields, as `Type.fromObject` accepts them. */
function messageOf(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = type.fieldsArray.filter(({ partOf }) => partOf === null)
  const model = Object.fromEntries(fields.map((field) => [field.name, fieldOf(field, depth)]))
  const choices = type.oneofsArray
    .flatMap(({ fieldsArray }) => fieldsArray)
    .filter(({ partOf, resolvedType }) => partOf !== null && (depth < 12 || resolvedType === null))
  const single = fc.record(model, { requiredKeys: [] })
  if (choices.length === 0) return single
  const chosen = fc.oneof(
    fc.constant({}),
    ...choices.map((field) => fieldOf(field, depth).map((given) => ({ [field.name]: given }))),
  )
  return fc.tuple(single, chosen).map(([others, choice]) => ({ ...others, ...choice }))
}

function fieldOf(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const each = fc.constant(undefined).chain(() => valueOf(field, depth))
  const maxLength = depth < 8 ? 3 : 1
  return field.repeated ? fc.array(each, { maxLength }) : each
}

function valueOf({ type, resolvedType, name }: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return messageOf(resolvedType, depth + 1)
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.values(resolvedType.values))
  if (ids.has(name)) return fc.uint8Array({ minLength: 0, maxLength: 16 })
  const unsigned = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), nearby)
  const signed = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), nearby)
  switch (type) {
    case 'string':
      return fc.string({ unit: fc.oneof(special, unit) })
    case 'bytes':
      return fc.uint8Array()
    case 'bool':
      return fc.boolean()
    case 'double':
      return fc.double()
    case 'fixed64':
    case 'uint64':
      return unsigned.map(String)
    case 'sfixed64':
    case 'int64':
      return signed.map(String)
    case 'sint32':
      return fc.integer()
    default:
      return fc.oneof(fc.nat(), fc.integer({ min: 2 ** 31, max: 2 ** 32 - 1 }))
  }
}

const special = fc.constantFrom('\u0085', '\u2028', '\u2029', '\0', '"', '\\', '\n')
const unit = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
/** Integers at the limits of the ways to write them. */
const nearby = fc
  .tuple(fc.constantFrom(0n, 10n ** 9n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 10n ** 18n), fc.bigInt(-3n, 3n))
  .map(([base, offset]) => (base + offset < 0n ? base : base + offset))

function hexToBase64(name: string, value: unknown): unknown {
  return typeof value === 'string' && ids.has(name) ? Buffer.from(value, 'hex').toString('base64') : value
}

/** Content of a message without the difference between an absent field and its default value. */
function comparable(type: protobuf.Type, bytes: Uint8Array): unknown {
  return type.toObject(type.decode(bytes), { defaults: true, longs: String, bytes: String })
}
