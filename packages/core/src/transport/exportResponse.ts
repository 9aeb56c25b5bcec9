import { ANY, DURATION, EXPORT_RESPONSE, PARTIAL_SUCCESS, RETRY_INFO, STATUS } from '../otlp/fields.ts'
import { type ProtobufField, readFields } from '../otlp/protobufReader.ts'
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
