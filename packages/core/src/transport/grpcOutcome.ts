import { readExportResponse, readRetryInfo } from './exportResponse.ts'
import type { SanitizeMessage } from './secrets.ts'
import type { ExportOutcome } from './transport.ts'

/** The names of the status codes, by number. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/** https://opentelemetry.io/docs/specs/otlp/#failures; RESOURCE_EXHAUSTED only with RetryInfo. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
])

/** How a call has ended. */
export interface GrpcResult {
  /** A status code. */
  readonly code: number
  /** `grpc-message`, decoded. */
  readonly details: string
  /** `grpc-status-details-bin`, decoded. */
  readonly statusDetails: Uint8Array | undefined
  readonly response: Uint8Array | undefined
  /** Whether the code is the receiver's: a client has codes of its own for what happens on the way. */
  readonly answered: boolean
}

export function grpcOutcome(
  { code, details, statusDetails, response, answered }: GrpcResult,
  shown: SanitizeMessage,
): ExportOutcome {
  const answer = answered ? { status: code } : {}
  if (code === 0) return readExportResponse(response, code, shown)
  const name = GRPC_STATUS_NAMES[code] ?? `code ${code}`
  const words = shown(humanizeDetails(details))
  const reason = `gRPC ${name}${words ? `: ${words}` : ''}`
  const retryAfterMillis = readRetryInfo(statusDetails)
  if (RETRYABLE.has(name)) return { kind: 'retryable', reason, retryAfterMillis, ...answer }
  if (!answered) {
    // There was an answer: to send the request again would most likely double its records, and again.
    if (/^(Received message|Failed to decompress)/.test(details)) {
      return { kind: 'failed', reason: `the answer cannot be read: ${words}` }
    }
    // A stream that was reset, say, by something on the way: as with a dropped connection, nobody refused the request.
    return { kind: 'retryable', reason }
  }
  if (name === 'RESOURCE_EXHAUSTED') {
    if (/larger than (max|limit)|too large/i.test(details)) return { kind: 'too_large', reason, ...answer }
    if (retryAfterMillis !== undefined) return { kind: 'retryable', reason, retryAfterMillis, ...answer }
  }
  return { kind: 'failed', reason, ...answer }
}

/** What grpc-js says without its inner workings (`round_robin: No connection established. Last error: …`), and what to look at. */
function humanizeDetails(details: string): string {
  const cause = details.replace(/^.*Last error: (?:Error: )?/s, '').replace(/\.? ?Resolution note:.*$/s, '')
  if (/Protocol error|Parse Error|HTTP\/1/i.test(cause)) {
    return `${cause} (is this the port for gRPC? OTLP over HTTP has port 4318 and protocol http/protobuf)`
  }
  if (/wrong version number/i.test(cause)) {
    return 'the receiver does not speak TLS (write http:// before the endpoint)'
  }
  // By us, at the end of everything: it is what the loss is told with.
  return cause === 'Cancelled on client' ? 'no answer yet' : cause
}
