import { LogbridgeError } from '@logbridge/bridge'
import { counted, isFields, MAX_DEPTH } from '@logbridge/bridge/internal'
import type { Signal } from '../config/optionTable.ts'
import { WIRE_TYPE } from './fields.ts'
import { type FieldSchema, type MessageSchema, PACKABLE, requestSchema } from './jsonSchema.ts'
import { ProtobufWriter } from './protobufWriter.ts'

const ID_BYTES: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 }
const HEX = /^[\da-f]*$/i
/** Standard and URL-safe alphabet, with or without padding. */
const BASE64 = /^[\w+/-]*={0,2}$/
const INTEGER = /^-?\d{1,20}$/
/** Largest depth of a message: three messages for each level of a value, and those around the value. */
const MAX_MESSAGES = 3 * MAX_DEPTH + 16

/** Problem of a value. */
class Problem {
  /** Path of the field, e.g. `.resourceLogs[0].resource`. Each message around the value adds a part. */
  path = ''
  readonly text: string

  constructor(accepts: string, given: unknown) {
    this.text = `must be ${accepts}, not ${describe(given)}`
  }
}

/**
 * Translates export requests from OTLP JSON to protobuf. Unknown fields are left out, and `null` is an absent field.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * Fields are written in the order of their numbers, as by the encoder of this package, whatever their order in JSON.
 */
export class JsonReader extends ProtobufWriter {
  private readonly schema: MessageSchema
  private depth = 0

  constructor(signal: Signal) {
    super()
    this.schema = requestSchema(signal)
  }

  /**
   * Translates a request.
   * @param json parsed JSON. Integers beyond the safe integers may be texts or bigints
   * @returns bytes that are valid until the next call
   * @throws LogbridgeError `MALFORMED_REQUEST`, whose message names the path of a field
   */
  request(json: unknown): Buffer {
    try {
      this.depth = 0
      this.open.length = 0
      this.reset()
      this.message(this.schema, json)
      return this.view()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const field = error.path === '' ? 'the request' : error.path.slice(1)
      throw new LogbridgeError('MALFORMED_REQUEST', `${field} ${error.text}`)
    }
  }

  private message(schema: MessageSchema, json: unknown): void {
    if (!isFields(json)) throw new Problem('an object', json)
    if (this.depth > MAX_MESSAGES) throw new Problem(`a value of at most ${MAX_DEPTH} levels`, json)
    this.depth += 1
    let name = ''
    /** Index in a repeated field. */
    let index = -1
    try {
      for (let number = 1; number < schema.length; number += 1) {
        const field = schema[number]
        if (field === undefined) continue
        name = field.name
        const value = json[name]
        if (value === undefined || value === null) continue
        if (!field.isRepeated) this.field(number, field, value)
        else if (!Array.isArray(value)) throw new Problem('an array', value)
        else if (PACKABLE.has(field.type)) {
          this.begin((number << 3) | WIRE_TYPE.lengthDelimited)
          for (index = 0; index < value.length; index += 1) this.scalar(field, value[index])
          this.end()
        } else for (index = 0; index < value.length; index += 1) this.field(number, field, value[index])
        index = -1
      }
    } catch (error) {
      if (error instanceof Problem) error.path = `.${name}${index < 0 ? '' : `[${index}]`}${error.path}`
      throw error
    }
    this.depth -= 1
  }

  /** Writes the tag and the value of a field. */
  private field(number: number, field: FieldSchema, value: unknown): void {
    const tag = (number << 3) | WIRE_TYPES[field.type]
    switch (field.type) {
      case 'message':
        this.begin(tag)
        this.message(field.message!, value)
        this.end()
        return
      case 'string':
        if (typeof value !== 'string') throw new Problem('a text', value)
        return this.stringField(tag, value)
      case 'id':
        return this.id(tag, ID_BYTES[field.name]!, value)
      case 'bytes': {
        if (typeof value !== 'string' || !isBase64(value)) throw new Problem('a text in base64', value)
        const bytes = Buffer.from(value, 'base64')
        this.header(tag, bytes.length)
        return this.raw(bytes)
      }
      default:
        this.ensure(2)
        this.varint(tag)
        this.scalar(field, value)
    }
  }

  /** Writes a number or a boolean, without its tag. */
  private scalar({ type }: FieldSchema, value: unknown): void {
    this.ensure(10)
    switch (type) {
      case 'uint32':
        return this.varint(Number(integer(value, 0, UINT32)))
      case 'sint32': {
        const number = Number(integer(value, -INT32 - 1, INT32))
        return this.varint(((number << 1) ^ (number >> 31)) >>> 0)
      }
      case 'fixed32':
        this.numbers.setUint32(this.position, Number(integer(value, 0, UINT32)), true)
        this.position += 4
        return
      case 'int64':
        return this.integer64(integer(value, -INT64 - 1n, INT64))
      case 'uint64':
        return this.integer64(integer(value, 0n, UINT64))
      case 'fixed64':
        return this.fixed(integer(value, 0n, UINT64))
      case 'sfixed64':
        return this.fixed(integer(value, -INT64 - 1n, INT64))
      case 'double':
        this.numbers.setFloat64(this.position, double(value), true)
        this.position += 8
        return
      case 'bool':
        if (typeof value !== 'boolean') throw new Problem('true or false', value)
        return this.varint(value ? 1 : 0)
    }
  }

  private integer64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) this.varint(value)
    else this.varint64(BigInt.asUintN(64, BigInt(value)))
  }

  private fixed(value: number | bigint): void {
    this.numbers.setBigUint64(this.position, BigInt.asUintN(64, BigInt(value)), true)
    this.position += 8
  }

  /** Writes an id; an empty text is no id. Receivers refuse the whole request for an id of another length. */
  private id(tag: number, bytes: number, value: unknown): void {
    if (typeof value !== 'string' || !HEX.test(value) || (value !== '' && value.length !== 2 * bytes))
      throw new Problem(`${2 * bytes} hex digits`, value)
    this.header(tag, value.length / 2)
    this.ensure(bytes)
    this.position += this.buffer.write(value, this.position, 'hex')
  }
}

const INT32 = 2 ** 31 - 1
const UINT32 = 2 ** 32 - 1
const INT64 = 2n ** 63n - 1n
const UINT64 = 2n ** 64n - 1n

const WIRE_TYPES: Readonly<Record<FieldSchema['type'], number>> = {
  message: WIRE_TYPE.lengthDelimited,
  string: WIRE_TYPE.lengthDelimited,
  bytes: WIRE_TYPE.lengthDelimited,
  id: WIRE_TYPE.lengthDelimited,
  bool: WIRE_TYPE.varint,
  uint32: WIRE_TYPE.varint,
  sint32: WIRE_TYPE.varint,
  int64: WIRE_TYPE.varint,
  uint64: WIRE_TYPE.varint,
  fixed32: WIRE_TYPE.fixed32,
  fixed64: WIRE_TYPE.fixed64,
  sfixed64: WIRE_TYPE.fixed64,
  double: WIRE_TYPE.fixed64,
}

/** Reads a whole number, which JSON may have as a number or as a text. */
function integer(value: unknown, least: number | bigint, most: number | bigint): number | bigint {
  const number = typeof value === 'string' && INTEGER.test(value) ? wholeOf(value) : value
  const isWhole = typeof number === 'bigint' || (typeof number === 'number' && Number.isInteger(number))
  if (!isWhole || number < least || number > most)
    throw new Problem(`a whole number from ${least} to ${most}`, value)
  return number
}

function isBase64(text: string): boolean {
  const padding = text.indexOf('=')
  // One digit behind the groups of four has 6 bits, and no byte.
  return BASE64.test(text) && (padding < 0 ? text.length : padding) % 4 !== 1
}

function wholeOf(digits: string): number | bigint {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : BigInt(digits)
}

function double(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
  if (Number.isNaN(number) && value !== 'NaN') throw new Problem('a number', value)
  return number
}

/** Describes a value without its text, which may be a secret. */
function describe(value: unknown): string {
  if (typeof value === 'string') return `a text of ${counted(value.length, 'character')}`
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
