import protobuf from 'protobufjs'

/**
 * Estimates of the memory that a request takes once it is decoded, made from its bytes before anything is built.
 * Two bytes can become a log record of 1000 bytes, so a limit on the bytes of a request bounds nothing.
 *
 * Each estimate is of the worst case: the decoded message, the record made of it, and V8's overhead.
 */

/** The request would take more memory than one request may. */
export class TooLargeError extends Error {}

/** Times the size limit of a request that the decoded request may take. */
const EXPANSION = 24

/** Of a message itself, and of each field that it may have. */
const MESSAGE_BYTES = 100
const FIELD_BYTES = 32
/** Of a message that becomes a record with attributes of its own, and of one that brings a resource or a scope. */
const RECORD_BYTES = 1000
const ORIGIN_BYTES = 500
/** Of what a field refers to when it is present. */
const LONG_BYTES = 100
const BYTES_BYTES = 300
const STRING_BYTES = 40
const OTHER_BYTES = 16

/** Of a JSON text: an object as parsed, checked and encoded again, and any other value. */
const JSON_OBJECT_BYTES = 700
const JSON_VALUE_BYTES = 200

const LONG_TYPES = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'])
/** Wire types of protobuf. */
const LENGTH_DELIMITED = 2

/**
 * Checks what an encoded message would become.
 *
 * @throws TooLargeError when that is more than the request may take
 * @throws Error when the bytes are no message
 */
export function checkMessage(type: protobuf.Type, bytes: Uint8Array, maxMessageBytes: number): void {
  const budget = createBudget(maxMessageBytes)
  // Text is decoded once and printed once, with two bytes a character at worst.
  budget.spend(bytes.length * 2)
  spendFields(type, protobuf.Reader.create(bytes), bytes.length, 0, budget)
}

/**
 * Checks what a JSON text would become, by the characters that begin its values.
 *
 * @throws TooLargeError when that is more than the request may take
 */
export function checkJson(bytes: Uint8Array, maxMessageBytes: number): void {
  const budget = createBudget(maxMessageBytes)
  let inString = false
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case 0x22: // "
        inString = !inString
        break
      case 0x5c: // \ takes the next character with it
        if (inString) at += 1
        break
      case 0x7b: // {
        if (!inString) budget.spend(JSON_OBJECT_BYTES)
        break
      case 0x5b: // [
      case 0x2c: // ,
        if (!inString) budget.spend(JSON_VALUE_BYTES)
        break
      default:
    }
  }
}

interface Budget {
  spend(bytes: number): void
}

function createBudget(maxMessageBytes: number): Budget {
  let left = maxMessageBytes * EXPANSION
  return {
    spend(bytes) {
      left -= bytes
      if (left < 0) {
        throw new TooLargeError(
          `The request is too large: it has so many values that it would take more than ${maxMessageBytes * EXPANSION} bytes of memory`,
        )
      }
    },
  }
}

function spendFields(
  type: protobuf.Type,
  reader: protobuf.Reader,
  end: number,
  depth: number,
  budget: Budget,
): void {
  budget.spend(messageBytes(type))
  if (depth > protobuf.Reader.recursionLimit) throw new Error('The message is nested too deep')
  while (reader.pos < end) {
    const tag = reader.uint32()
    const field = type.fieldsById[tag >>> 3]
    const wireType = tag & 7
    if (field === undefined || wireType !== LENGTH_DELIMITED) {
      if (field !== undefined) budget.spend(valueBytes(field))
      reader.skipType(wireType, depth)
      continue
    }
    const next = reader.uint32() + reader.pos
    if (next > end) throw new RangeError('A field is longer than its message')
    if (field.resolvedType instanceof protobuf.Type) {
      spendFields(field.resolvedType, reader, next, depth + 1, budget)
    } else if (field.type === 'string' || field.type === 'bytes') {
      budget.spend(valueBytes(field))
    } else {
      // The elements of a packed field have at least a byte, or eight where their width is fixed.
      const width = field.type === 'double' || field.type.includes('fixed64') ? 8 : 1
      budget.spend(Math.ceil((next - reader.pos) / width) * valueBytes(field))
    }
    reader.pos = next
  }
  if (reader.pos !== end) throw new RangeError('A field is longer than its message')
}

function valueBytes({ type }: protobuf.Field): number {
  if (type === 'bytes') return BYTES_BYTES
  if (type === 'string') return STRING_BYTES
  return LONG_TYPES.has(type) ? LONG_BYTES : OTHER_BYTES
}

const messageSizes = new Map<protobuf.Type, number>()

function messageBytes(type: protobuf.Type): number {
  const known = messageSizes.get(type)
  if (known !== undefined) return known
  const fields = type.fieldsArray.map((field) => field.resolve())
  const hasAttributes = fields.some(({ repeated, type: name }) => repeated && name === 'KeyValue')
  const bringsOrigin = 'resource' in type.fields || 'scope' in type.fields
  const bytes = hasAttributes
    ? RECORD_BYTES
    : bringsOrigin
      ? ORIGIN_BYTES
      : MESSAGE_BYTES +
        FIELD_BYTES * (fields.filter(({ partOf }) => !partOf).length + type.oneofsArray.length)
  messageSizes.set(type, bytes)
  return bytes
}
