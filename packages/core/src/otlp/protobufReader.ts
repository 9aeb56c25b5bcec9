/** One field of a protobuf message, as it stands on the wire. */
export interface ProtobufField {
  readonly number: number
  /** A varint's value (exact up to 2^53), or the content of a length-delimited field; fixed-size fields are skipped over. */
  readonly value: number | Uint8Array | undefined
  /** Where the field, tag included, begins and ends. */
  readonly start: number
  readonly end: number
}

/**
 * Walks over the fields of a protobuf message without decoding it. https://protobuf.dev/programming-guides/encoding/
 * @throws RangeError when the message is cut short or uses a wire type that does not exist
 */
export function* readFields(message: Uint8Array): Generator<ProtobufField> {
  let position = 0

  function varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = message[position]
      if (byte === undefined || scale > 2 ** 63) throw new RangeError('protobuf message is cut short')
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
      case 0:
        value = varint()
        break
      case 1:
        position += 8
        break
      case 2: {
        const length = varint()
        value = message.subarray(position, position + length)
        position += length
        break
      }
      case 5:
        position += 4
        break
      default:
        throw new RangeError(`protobuf message has wire type ${tag & 7}`)
    }
    if (position > message.length) throw new RangeError('protobuf message is cut short')
    yield { number: tag >>> 3, value, start, end: position }
  }
}
