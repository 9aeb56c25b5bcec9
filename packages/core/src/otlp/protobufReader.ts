import { WIRE_TYPE } from './fields.ts'

/** Field of an encoded protobuf message. */
export interface ProtobufField {
  readonly number: number
  /** Value of a varint, exact up to 2^53; content of a length-delimited field; `undefined` for a field of fixed size. */
  readonly value: number | Uint8Array | undefined
  /** Position of the tag in the message. */
  readonly start: number
  /** Position after the field. */
  readonly end: number
}

/**
 * Iterates over the fields of an encoded protobuf message. https://protobuf.dev/programming-guides/encoding/
 * @throws RangeError for a truncated message and for an unknown wire type
 */
export function* readFields(message: Uint8Array): Generator<ProtobufField> {
  let position = 0

  function varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[position]
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('protobuf message is truncated')
      position += 1
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  while (position < message.length) {
    const start = position
    const tag = varint()
    let value: ProtobufField['value']
    switch (tag & 7) {
      case WIRE_TYPE.varint:
        value = varint()
        break
      case WIRE_TYPE.fixed64:
        position += 8
        break
      case WIRE_TYPE.lengthDelimited: {
        const length = varint()
        value = message.subarray(position, position + length)
        position += length
        break
      }
      case WIRE_TYPE.fixed32:
        position += 4
        break
      default:
        throw new RangeError(`protobuf message has wire type ${tag & 7}`)
    }
    if (position > message.length) throw new RangeError('protobuf message is truncated')
    yield { number: tag >>> 3, value, start, end: position }
  }
}
