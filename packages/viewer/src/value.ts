import type { ReceivedAttributes, ReceivedResource, ReceivedScope, ReceivedValue } from './model.ts'
import type { OtlpAnyValue, OtlpInt64, OtlpKeyValue, OtlpResource, OtlpScope } from './otlp.ts'

export function toValue(any: OtlpAnyValue | null): ReceivedValue {
  switch (any?.value) {
    case 'stringValue':
      return any.stringValue
    case 'boolValue':
      return any.boolValue
    case 'intValue':
      return toInteger(any.intValue)
    case 'doubleValue':
      return any.doubleValue
    case 'arrayValue':
      return any.arrayValue.values.map(toValue)
    case 'kvlistValue':
      return toAttributes(any.kvlistValue.values)
    case 'bytesValue':
      // The decoded value is a view that keeps the whole request in memory, so the bytes are copied.
      return new Uint8Array(any.bytesValue)
    case undefined:
      return null
  }
}

export function toAttributes(list: OtlpKeyValue[]): ReceivedAttributes {
  const attributes = Object.create(null) as ReceivedAttributes
  for (const { key, value } of list) attributes[key] = toValue(value)
  return attributes
}

/** Converts an integer to a number when the number is exact, else to a bigint. */
export function toInteger(int: OtlpInt64): number | bigint {
  const high = int.unsigned ? int.high >>> 0 : int.high
  const number = high * 2 ** 32 + (int.low >>> 0)
  return Number.isSafeInteger(number) ? number : (BigInt(high) << 32n) | BigInt(int.low >>> 0)
}

/** Converts nanoseconds to a bigint in every case, so that arithmetic on two times has one type. */
export function toNanos(int: OtlpInt64): bigint {
  return (BigInt(int.high >>> 0) << 32n) | BigInt(int.low >>> 0)
}

export function toHex(id: Uint8Array): string {
  // protobufjs decodes absent bytes as [].
  if (id.length === 0) return ''
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}

export function toResource(resource: OtlpResource | null, schemaUrl: string): ReceivedResource {
  return {
    attributes: toAttributes(resource?.attributes ?? []),
    droppedAttributesCount: resource?.droppedAttributesCount ?? 0,
    schemaUrl,
  }
}

export function toScope(scope: OtlpScope | null, schemaUrl: string): ReceivedScope {
  return {
    name: scope?.name ?? '',
    version: scope?.version ?? '',
    attributes: toAttributes(scope?.attributes ?? []),
    droppedAttributesCount: scope?.droppedAttributesCount ?? 0,
    schemaUrl,
  }
}
