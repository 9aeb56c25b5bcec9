import {
  ANY,
  DURATION,
  EXPORT_RESPONSE,
  PARTIAL_SUCCESS,
  RETRY_INFO,
  STATUS,
  WIRE_TYPE,
} from '../otlp/fields.ts'
import type { SanitizeMessage } from './secrets.ts'
import type { ExportOutcome } from './transport.ts'

/**
 * Reads the `ExportLogsServiceResponse` of an accepted request. Partial success counts as delivered and is never retried.
 * An unreadable response counts as full success. https://opentelemetry.io/docs/specs/otlp/#partial-success
 *
 * @param status status code of the response
 * @param sanitize hides what the message of the receiver may repeat of the request
 */
export function readExportResponse(
  response: Uint8Array | undefined,
  status: number,
  sanitize: SanitizeMessage,
): ExportOutcome {
  let rejected = 0
  let message: string | undefined
  try {
    for (const partialSuccess of contents(response, EXPORT_RESPONSE.partialSuccess)) {
      for (const field of readFields(partialSuccess)) {
        if (field.number === PARTIAL_SUCCESS.rejected) rejected = Math.max(0, int64(partialSuccess, field))
        if (field.number === PARTIAL_SUCCESS.errorMessage && field.value instanceof Uint8Array)
          message = sanitize(Buffer.from(field.value).toString())
      }
    }
  } catch {
    return { kind: 'delivered', rejected: 0, status }
  }
  return { kind: 'delivered', rejected, message, status }
}

/** Reads the message of a `google.rpc.Status`, the cause of a failure over HTTP. Returns '' without a message. */
export function readStatusMessage(status: Uint8Array | undefined): string {
  try {
    return Buffer.from(contents(status, STATUS.message)[0] ?? []).toString()
  } catch {
    return ''
  }
}

/**
 * Reads the delay of a `google.rpc.RetryInfo` among the details of a `google.rpc.Status`, in milliseconds, 0 or more.
 * https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling
 */
export function readRetryInfo(status: Uint8Array | undefined): number | undefined {
  try {
    for (const detail of contents(status, STATUS.details)) {
      const [typeUrl] = contents(detail, ANY.typeUrl)
      const type = Buffer.from(typeUrl ?? []).toString()
      if (!type.endsWith('google.rpc.RetryInfo')) continue
      for (const retryInfo of contents(detail, ANY.value)) {
        let millis = 0
        for (const duration of contents(retryInfo, RETRY_INFO.retryDelay)) {
          for (const field of readFields(duration)) {
            if (field.number === DURATION.seconds) millis += int64(duration, field) * 1e3
            if (field.number === DURATION.nanos) millis += int64(duration, field) / 1e6
          }
        }
        return Math.max(0, millis)
      }
    }
  } catch {
    // An unreadable status contains no delay.
  }
  return undefined
}

/**
 * Reads a varint as an int64; other fields are 0. The sign is the tenth byte of the varint, because the `number` of
 * `readFields` rounds a negative int64 and 2^63-1 alike.
 */
function int64(message: Uint8Array, { value, start, end }: ProtobufField): number {
  if (typeof value !== 'number') return 0
  const tagBytes = 1
  const isNegative = end - start === tagBytes + 10 && message[end - 1] === 1
  return isNegative ? value - 2 ** 64 : value
}

/** Returns the contents of the length-delimited fields of one number. */
function contents(message: Uint8Array | undefined, number: number): Uint8Array[] {
  const found: Uint8Array[] = []
  for (const field of readFields(message ?? new Uint8Array())) {
    if (field.number === number && field.value instanceof Uint8Array) found.push(field.value)
  }
  return found
}

/** Field of an encoded protobuf message. */
interface ProtobufField {
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
function* readFields(message: Uint8Array): Generator<ProtobufField> {
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
