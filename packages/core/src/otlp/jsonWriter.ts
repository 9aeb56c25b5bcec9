import { type FieldSchema, type MessageSchema, PACKABLE, requestSchema, type Words } from './jsonSchema.ts'
import { WIRE_TYPE } from './fields.ts'
import type { Signal } from '../config/optionTable.ts'

const INITIAL_CAPACITY = 64 * 1024
/** Size above which a buffer that one huge request has grown is released. */
const KEPT_CAPACITY = 2 * 1024 * 1024

const COMMA = 0x2c
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const NEWLINE = 0x0a
const ZERO = 0x30
const MINUS = 0x2d

const HEX_DIGITS = Buffer.from('0123456789abcdef')
/** Letter after the backslash for each character that has a short escape in JSON, else 0. */
const SHORT_ESCAPES = new Uint8Array(0x80)
for (const [character, letter] of Object.entries({
  '"': '"',
  '\\': '\\',
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
})) {
  SHORT_ESCAPES[character.charCodeAt(0)] = letter.charCodeAt(0)
}
/** 1 for each byte that stands for itself in a string, 0 for characters to escape, and for the first bytes of line separators. */
const PLAIN = new Uint8Array(0x100).fill(1, 0x20)
for (const byte of [QUOTE, BACKSLASH, 0xc2, 0xe2]) PLAIN[byte] = 0
/** Bytes of the longest number: `-1.7976931348623157e+308`. */
const MAX_NUMBER_BYTES = 32

/**
 * Translates export requests from protobuf to one line of OTLP JSON each, byte by byte and without objects in between
 * (`pnpm bench file`). https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * Unknown fields are left out. A field that is present with its default value stays, which OTLP JSON permits. Line separators of
 * Unicode are escaped, because some readers of JSON lines take them for the end of a line.
 */
export class JsonWriter {
  private readonly request: MessageSchema
  private input: Uint8Array = Buffer.alloc(0)
  private numbers: DataView = new DataView(new ArrayBuffer(0))
  /** Position in `input`. */
  private at = 0
  private output: Buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  /** View of `output`. V8 inlines the setters of a DataView. */
  private view: DataView = new DataView(this.output.buffer)
  /** Position in `output`. */
  private end = 0
  /** Halves of the integer that `varint64` has read. */
  private low = 0
  private high = 0

  constructor(signal: Signal) {
    this.request = requestSchema(signal)
  }

  /**
   * Translates a request.
   * @returns the line with its newline, valid until the next call
   * @throws RangeError for malformed bytes, and when the values of a repeated field or two values of a single field stand apart,
   * which no encoder of this package writes
   */
  line(request: Uint8Array): Buffer {
    this.input = request
    this.numbers = new DataView(request.buffer, request.byteOffset, request.length)
    this.at = 0
    this.end = 0
    if (this.output.length > KEPT_CAPACITY) this.use(Buffer.allocUnsafeSlow(INITIAL_CAPACITY))
    this.message(this.request, request.length)
    this.ensure(1)
    this.output[this.end++] = NEWLINE
    // Release the memory of the request.
    this.input = this.output
    return this.output.subarray(0, this.end)
  }

  private message(schema: MessageSchema, end: number): void {
    this.ensure(1)
    this.output[this.end++] = OPEN_BRACE
    /** Bits of the fields so far, by number. */
    let seen = 0
    while (this.at < end) {
      const tag = this.varint()
      const field = schema[tag >>> 3]
      if (field === undefined) {
        this.skip(tag & 7)
        continue
      }
      const bit = 1 << (tag >>> 3)
      if ((seen & bit) !== 0) throw new RangeError(`field ${tag >>> 3} stands twice in a message`)
      this.copy(seen === 0 ? field.first : field.next)
      seen |= bit
      if (field.isRepeated) this.repeated(field, tag, end)
      else this.value(field, end)
    }
    if (this.at !== end) throw malformed()
    this.ensure(1)
    this.output[this.end++] = CLOSE_BRACE
  }

  private copy({ length, words }: Words): void {
    // The last word may have three bytes more.
    this.ensure(length + 3)
    const { view, end } = this
    for (let index = 0; index < words.length; index += 1) view.setInt32(end + index * 4, words[index]!, true)
    this.end = end + length
  }

  /** Writes the values of a repeated field, which follow one another, or are packed into one field. */
  private repeated(field: FieldSchema, tag: number, end: number): void {
    this.ensure(1)
    this.output[this.end++] = OPEN_BRACKET
    if ((tag & 7) === WIRE_TYPE.lengthDelimited && PACKABLE.has(field.type)) {
      const length = this.lengthWithin(end)
      const last = this.at + length
      while (this.at < last) {
        this.value(field, last)
        if (this.at < last) this.comma()
      }
    } else {
      this.value(field, end)
      // Tags of repeated fields have one byte.
      while (this.at < end && this.input[this.at] === tag) {
        this.at += 1
        this.comma()
        this.value(field, end)
      }
    }
    this.ensure(1)
    this.output[this.end++] = CLOSE_BRACKET
  }

  private comma(): void {
    this.ensure(1)
    this.output[this.end++] = COMMA
  }

  private value({ type, message }: FieldSchema, end: number): void {
    switch (type) {
      case 'message': {
        const length = this.lengthWithin(end)
        return this.message(message!, this.at + length)
      }
      case 'string':
        return this.string(this.lengthWithin(end))
      case 'uint32':
        return this.number(this.varint())
      case 'fixed64':
        return this.fixed64(false)
      case 'id':
        return this.hex(this.lengthWithin(end))
      case 'fixed32':
        this.at += 4
        return this.number(this.numbers.getUint32(this.at - 4, true))
      case 'int64':
        this.varint64()
        return this.int64(true)
      case 'double':
        this.at += 8
        return this.double(this.numbers.getFloat64(this.at - 8, true))
      case 'bool':
        return this.ascii(this.varint() === 0 ? 'false' : 'true')
      case 'uint64':
        this.varint64()
        return this.int64(false)
      case 'sfixed64':
        return this.fixed64(true)
      case 'sint32': {
        const zigzag = this.varint()
        return this.double((zigzag >>> 1) ^ -(zigzag & 1))
      }
      case 'bytes':
        return this.base64(this.lengthWithin(end))
    }
  }

  // --- reading

  /** Reads a varint of 32 bits, of which a tag, a length, and most numbers take one byte. */
  private varint(): number {
    const { input } = this
    let byte = input[this.at++]!
    if (byte < 0x80) return byte
    this.at -= 1
    this.varint64()
    return this.low
  }

  private varint64(): void {
    const { input } = this
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = input[this.at++]
      if (byte === undefined) throw malformed()
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        this.low = low >>> 0
        this.high = high >>> 0
        return
      }
    }
    throw malformed()
  }

  private lengthWithin(end: number): number {
    const length = this.varint()
    if (this.at + length > end) throw malformed()
    return length
  }

  private skip(wireType: number): void {
    if (wireType === WIRE_TYPE.varint) this.varint64()
    else if (wireType === WIRE_TYPE.fixed64) this.at += 8
    else if (wireType === WIRE_TYPE.fixed32) this.at += 4
    else if (wireType === WIRE_TYPE.lengthDelimited) this.at += this.varint()
    else throw malformed()
  }

  // --- writing

  private ensure(bytes: number): void {
    const needed = this.end + bytes
    if (needed <= this.output.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.output.length))
    this.output.copy(grown, 0, 0, this.end)
    this.use(grown)
  }

  private use(output: Buffer): void {
    this.output = output
    this.view = new DataView(output.buffer)
  }

  private ascii(text: string): void {
    this.ensure(text.length)
    for (let index = 0; index < text.length; index += 1) this.output[this.end++] = text.charCodeAt(index)
  }

  private string(length: number): void {
    // An escaped byte takes six bytes.
    this.ensure(6 * length + 2)
    const { input, output } = this
    let { at, end } = this
    output[end++] = QUOTE
    for (const last = at + length; at < last; at += 1) {
      const byte = input[at]!
      if (PLAIN[byte] !== 0) {
        output[end++] = byte
        continue
      }
      if (byte >= 0x80) {
        const escaped = lineSeparatorAt(input, at)
        if (escaped === undefined) output[end++] = byte
        else {
          end += output.write(escaped, end, 'latin1')
          at += byte === 0xc2 ? 1 : 2
        }
        continue
      }
      output[end++] = BACKSLASH
      const letter = SHORT_ESCAPES[byte]!
      if (letter !== 0) output[end++] = letter
      else {
        output[end++] = 0x75
        output[end++] = ZERO
        output[end++] = ZERO
        output[end++] = HEX_DIGITS[byte >>> 4]!
        output[end++] = HEX_DIGITS[byte & 0xf]!
      }
    }
    output[end++] = QUOTE
    this.at = at
    this.end = end
  }

  private hex(length: number): void {
    this.ensure(2 * length + 2)
    const { input, output } = this
    let { at, end } = this
    output[end++] = QUOTE
    for (const last = at + length; at < last; at += 1) {
      output[end++] = HEX_DIGITS[input[at]! >>> 4]!
      output[end++] = HEX_DIGITS[input[at]! & 0xf]!
    }
    output[end++] = QUOTE
    this.at = at
    this.end = end
  }

  private base64(length: number): void {
    const { input, at } = this
    const text = Buffer.from(input.buffer, input.byteOffset + at, length).toString('base64')
    this.at += length
    this.ascii(`"${text}"`)
  }

  /** Writes a whole number from 0 to 2^32 - 1. */
  private number(value: number): void {
    this.ensure(MAX_NUMBER_BYTES)
    this.digits(value)
  }

  private double(value: number): void {
    if (!Number.isFinite(value)) return this.ascii(`"${value}"`)
    this.ascii(Object.is(value, -0) ? '-0' : String(value))
  }

  private fixed64(isSigned: boolean): void {
    this.low = this.numbers.getUint32(this.at, true)
    this.high = this.numbers.getUint32(this.at + 4, true)
    this.at += 8
    this.int64(isSigned)
  }

  /** Writes the integer of `low` and `high` as a string. */
  private int64(isSigned: boolean): void {
    this.ensure(MAX_NUMBER_BYTES)
    let { low, high } = this
    this.output[this.end++] = QUOTE
    if (isSigned && high >= 0x8000_0000) {
      this.output[this.end++] = MINUS
      low = -low >>> 0
      high = (~high + (low === 0 ? 1 : 0)) >>> 0
    }
    if (high < 0x20_0000) this.safeInteger(high * 0x1_0000_0000 + low)
    else {
      // The quotient of doubles is off by one at most. The rest, below 2^31, is exact modulo 2^32.
      let quotient = Math.floor((high * 0x1_0000_0000 + low) / 1e9)
      let rest = (low - Math.imul(quotient, 1e9)) | 0
      if (rest < 0) {
        quotient -= 1
        rest += 1e9
      } else if (rest >= 1e9) {
        quotient += 1
        rest -= 1e9
      }
      this.safeInteger(quotient)
      this.nineDigits(rest)
    }
    this.output[this.end++] = QUOTE
  }

  private safeInteger(value: number): void {
    if (value < 0x8000_0000) return this.digits(value)
    const upper = Math.floor(value / 1e9)
    this.digits(upper)
    this.nineDigits(value - upper * 1e9)
  }

  /** Writes a whole number below 2^32. */
  private digits(value: number): void {
    let size = 1
    for (let limit = 10; value >= limit; limit *= 10) size += 1
    let position = this.end + size
    this.end = position
    while (value >= 10) {
      const rest = Math.floor(value / 10)
      this.output[--position] = ZERO + value - rest * 10
      value = rest
    }
    this.output[--position] = ZERO + value
  }

  private nineDigits(value: number): void {
    const start = this.end
    this.end += 9
    for (let position = start + 8; position >= start; position -= 1) {
      const rest = (value / 10) | 0
      this.output[position] = ZERO + value - rest * 10
      value = rest
    }
  }
}

/** Returns the escape of U+0085, U+2028, or U+2029 at a position, and `undefined` for other characters. */
function lineSeparatorAt(input: Uint8Array, at: number): string | undefined {
  if (input[at] === 0xc2) return input[at + 1] === 0x85 ? '\\u0085' : undefined
  if (input[at + 1] !== 0x80) return undefined
  if (input[at + 2] === 0xa8) return '\\u2028'
  return input[at + 2] === 0xa9 ? '\\u2029' : undefined
}

function malformed(): RangeError {
  return new RangeError('request is malformed')
}
