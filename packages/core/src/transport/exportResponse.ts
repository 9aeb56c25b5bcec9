import type { SanitizeMessage } from './secrets.ts'
import { readFields, type ProtobufField } from '../otlp/protobufReader.ts'
import type { ExportOutcome } from './transport.ts'

/**
 * Reads the `ExportLogsServiceResponse` of a request that was accepted. Partial success counts as delivered and is never
 * sent again. What cannot be read counts as full success. https://opentelemetry.io/docs/specs/otlp/#partial-success
 *
 * @param status what the receiver answered
 * @param shown takes out of its message what that may repeat of the request
 */
export function readExportResponse(
  response: Uint8Array | undefined,
  status: number,
  shown: SanitizeMessage,
): ExportOutcome {
  let rejected = 0
  let message: string | undefined
  try {
    for (const partialSuccess of contents(response, 1)) {
      for (const field of readFields(partialSuccess)) {
        if (field.number === 1) rejected = Math.max(0, int64(partialSuccess, field))
        if (field.number === 2 && field.value instanceof Uint8Array)
          message = shown(Buffer.from(field.value).toString())
      }
    }
  } catch {
    return { kind: 'delivered', rejected: 0, status }
  }
  return { kind: 'delivered', rejected, message, status }
}

/** The message of a `google.rpc.Status`, which says why a request was refused over HTTP; '' where there is none. */
export function readStatusMessage(status: Uint8Array | undefined): string {
  try {
    return Buffer.from(contents(status, 2)[0] ?? []).toString()
  } catch {
    return ''
  }
}

/**
 * The delay that a `google.rpc.RetryInfo` among the details of a `google.rpc.Status` asks for, in milliseconds, 0 or more.
 * https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling
 */
export function readRetryInfo(status: Uint8Array | undefined): number | undefined {
  try {
    for (const detail of contents(status, 3)) {
      const [typeUrl] = contents(detail, 1)
      const type = Buffer.from(typeUrl ?? []).toString()
      if (!type.endsWith('google.rpc.RetryInfo')) continue
      for (const retryInfo of contents(detail, 2)) {
        let millis = 0
        for (const duration of contents(retryInfo, 1)) {
          for (const field of readFields(duration)) {
            millis += field.number === 1 ? int64(duration, field) * 1e3 : int64(duration, field) / 1e6
          }
        }
        return Math.max(0, millis)
      }
    }
  } catch {
    // A status that cannot be read names no delay.
  }
  return undefined
}

/**
 * The value of a field as an int64; 0 when it is no varint. A negative number has the highest of 64 bits set, which is in the
 * tenth byte of its varint. A double cannot tell it from 2^63-1.
 */
function int64(message: Uint8Array, { value, start, end }: ProtobufField): number {
  if (typeof value !== 'number') return 0
  const tagBytes = 1
  const isNegative = end - start === tagBytes + 10 && message[end - 1] === 1
  return isNegative ? value - 2 ** 64 : value
}

/** The contents of a message's length-delimited fields of one number. */
function contents(message: Uint8Array | undefined, number: number): Uint8Array[] {
  const found: Uint8Array[] = []
  for (const field of readFields(message ?? new Uint8Array())) {
    if (field.number === number && field.value instanceof Uint8Array) found.push(field.value)
  }
  return found
}
