import fc from 'fast-check'
import protobuf from 'protobufjs'
import { schema } from '../../../viewer/src/schema.ts'
import type { Signal } from '../../src/config/optionTable.ts'

// The viewer's schema, which has the text of opentelemetry-proto, and protobufjs are the oracle of OTLP JSON.

const { root } = protobuf.parse(schema)
root.resolveAll()

/** Export requests by their signals. */
export const requests: Readonly<Record<Signal, protobuf.Type>> = {
  logs: root.lookupType('ExportLogsServiceRequest'),
  traces: root.lookupType('ExportTraceServiceRequest'),
  metrics: root.lookupType('ExportMetricsServiceRequest'),
}
/** Bytes of an id by the names of its fields. */
export const idBytes: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 }

/** Messages with any values in any fields, as `Type.fromObject` accepts them. */
export function messageOf(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
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
  const length = idBytes[name]
  if (length !== undefined)
    return fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: length, maxLength: length }))
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

/** Content of a message without the difference between an absent field and its default value. */
export function comparable(type: protobuf.Type, bytes: Uint8Array): unknown {
  return type.toObject(type.decode(bytes), { defaults: true, longs: String, bytes: String })
}
