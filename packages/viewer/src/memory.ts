import { protobuf } from './vendor/protobuf.ts'

/**
 * Estimates the memory of a decoded request from its bytes, before anything is decoded. Two bytes can become a log record of
 * 1000 bytes, so a limit on the bytes alone would not bound the memory.
 *
 * Each constant is a worst case: the decoded message, the record that is built from it, and the overhead of V8.
 */

/** Error for a request whose decoded form would take too much memory. */
export class TooLargeError extends Error {}

/** Factor from the size limit of a request to the memory limit of the decoded request. */
const MEMORY_FACTOR = 24

/** Memory of a message. */
const MESSAGE_BYTES = 100
/** Memory of each field that a message type has. */
const FIELD_BYTES = 32
/** Memory of a message that becomes a record with attributes. */
const RECORD_BYTES = 1000
/** Memory of a message that has a resource or a scope. */
const CONTAINER_BYTES = 500
/** Memory of a 64-bit integer. */
const LONG_BYTES = 100
/** Memory of a `bytes` value. */
const BYTES_BYTES = 300
/** Memory of a string, beside its characters. */
const STRING_BYTES = 40
/** Memory of a value of any other type. */
const OTHER_BYTES = 16

/** Memory of a JSON object: parsed, checked, and encoded as protobuf. */
const JSON_OBJECT_BYTES = 700
/** Memory of any other JSON value. */
const JSON_VALUE_BYTES = 200

const LONG_TYPES = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'])
/** Wire types of protobuf. */
const LENGTH_DELIMITED = 2

/**
 * Checks the memory that an encoded message would take once decoded.
 *
 * @throws TooLargeError when the estimate exceeds the limit
 * @throws Error when the bytes are malformed
 */
export function checkMessage(type: protobuf.Type, bytes: Uint8Array, maxMessageBytes: number): void {
  const budget = createBudget(maxMessageBytes)
  // A text is decoded once and printed once, with at most two bytes for each character.
  budget.spend(bytes.length * 2)
  spendFields(type, protobuf.Reader.create(bytes), bytes.length, 0, budget)
}

/**
 * Checks the memory that a JSON text would take once decoded. Counts the characters that begin a value.
 *
 * @throws TooLargeError when the estimate exceeds the limit
 */
export function checkJson(bytes: Uint8Array, maxMessageBytes: number): void {
  const budget = createBudget(maxMessageBytes)
  let inString = false
  for (let at = 0; at < bytes.length; at += 1) {
    switch (bytes[at]) {
      case 0x22: // "
        inString = !inString
        break
      case 0x5c: // \ escapes the next character
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
  let remaining = maxMessageBytes * MEMORY_FACTOR
  return {
    spend(bytes) {
      remaining -= bytes
      if (remaining < 0) {
        throw new TooLargeError(
          `The request is too large: its values would take more than ${maxMessageBytes * MEMORY_FACTOR} bytes of memory`,
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
      // An element of a packed field has at least one byte, or eight when its width is fixed.
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
  const isContainer = 'resource' in type.fields || 'scope' in type.fields
  const bytes = hasAttributes
    ? RECORD_BYTES
    : isContainer
      ? CONTAINER_BYTES
      : MESSAGE_BYTES +
        FIELD_BYTES * (fields.filter(({ partOf }) => !partOf).length + type.oneofsArray.length)
  messageSizes.set(type, bytes)
  return bytes
}
