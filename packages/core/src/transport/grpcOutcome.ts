import { readExportResponse, readRetryInfo } from './exportResponse.ts'
import type { SanitizeMessage } from './secrets.ts'
import type { ExportOutcome } from './transport.ts'

/** Names of the status codes, by number. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
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

/** Retryable status codes. RESOURCE_EXHAUSTED is retryable only with RetryInfo. https://opentelemetry.io/docs/specs/otlp/#failures */
const RETRYABLE: ReadonlySet<string> = new Set([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
])

/** Status of a call that has ended. */
export interface GrpcResult {
  /** A status code. */
  readonly code: number
  /** Decoded `grpc-message`. */
  readonly details: string
  /** Decoded `grpc-status-details-bin`. */
  readonly statusDetails: Uint8Array | undefined
  readonly response: Uint8Array | undefined
  /** True for a code of the receiver, false for a code that the client makes up, e.g. for a lost connection. */
  readonly fromServer: boolean
}

/** Converts the status of a call to its outcome. */
export function grpcOutcome(
  { code, details, statusDetails, response, fromServer }: GrpcResult,
  sanitize: SanitizeMessage,
): ExportOutcome {
  const status = fromServer ? { status: code } : {}
  if (code === 0) return readExportResponse(response, code, sanitize)
  const name = GRPC_STATUS_NAMES[code] ?? `code ${code}`
  const message = sanitize(humanizeDetails(details))
  const reason = `gRPC ${name}${message ? `: ${message}` : ''}`
  const retryAfterMillis = readRetryInfo(statusDetails)
  if (RETRYABLE.has(name)) return { kind: 'retryable', reason, retryAfterMillis, ...status }
  if (!fromServer) {
    // The receiver has answered: a retry would probably deliver the records twice, and again with each further retry.
    if (/^(Received message|Failed to decompress)/.test(details)) {
      return { kind: 'failed', reason: `response is unreadable: ${message}` }
    }
    // A reset of the stream by a proxy, for example, is no refusal of the receiver, like a dropped connection.
    return { kind: 'retryable', reason }
  }
  if (name === 'RESOURCE_EXHAUSTED') {
    if (/larger than (max|limit)|too large/i.test(details)) return { kind: 'too_large', reason, ...status }
    if (retryAfterMillis !== undefined) return { kind: 'retryable', reason, retryAfterMillis, ...status }
  }
  return { kind: 'failed', reason, ...status }
}

/** Removes internals of grpc-js from details (`round_robin: No connection established. Last error: …`) and adds a hint. */
function humanizeDetails(details: string): string {
  const cause = details.replace(/^.*Last error: (?:Error: )?/s, '').replace(/\.? ?Resolution note:.*$/s, '')
  if (/Protocol error|Parse Error|HTTP\/1/i.test(cause)) {
    return `${cause} (is this the port for gRPC? OTLP over HTTP has port 4318 and protocol http/protobuf)`
  }
  if (/wrong version number/i.test(cause)) {
    return 'receiver does not speak TLS (write http:// before host and port; for unix: and dns: set the option tls to false, or OTEL_EXPORTER_OTLP_INSECURE to true)'
  }
  // We cancel calls at a shutdown, and the message becomes the cause of dropped records.
  return cause === 'Cancelled on client' ? 'no response yet' : cause
}
