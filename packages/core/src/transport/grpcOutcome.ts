import { otherPort } from '../config/protocolAdvice.ts'
import { readExportResponse, readRetryInfo } from './exportResponse.ts'
import { type CallResult, GRPC_STATUS_NAMES, type GrpcStatus } from './grpcCall.ts'
import type { SanitizeMessage } from './secrets.ts'
import type { ExportOutcome } from './transport.ts'

/** Retryable status codes. RESOURCE_EXHAUSTED is retryable only with RetryInfo. https://opentelemetry.io/docs/specs/otlp/#failures */
const RETRYABLE: ReadonlySet<string> = new Set([
  'CANCELLED',
  'DEADLINE_EXCEEDED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNAVAILABLE',
  'DATA_LOSS',
])

/** Call that has ended without an abort. */
export type EndedCall = Exclude<CallResult, { kind: 'aborted' }>

/** Converts the end of a call to its outcome. */
export function grpcOutcome(result: EndedCall, sanitize: SanitizeMessage): ExportOutcome {
  if (result.kind === 'answered') return answeredOutcome(result.status, result.response, sanitize)
  // The receiver has answered: a retry would probably deliver the records twice, and again with each further retry.
  if (result.kind === 'unreadable') {
    return { kind: 'failed', reason: `response is unreadable: ${sanitize(result.cause)}` }
  }
  // A reset of the stream by a proxy, for example, is no refusal of the receiver, like a dropped connection.
  const code = result.kind === 'refused' ? 'UNAVAILABLE' : result.code
  const { cause = result.cause, advice } = misconfiguration(result.cause) ?? {}
  return { kind: 'retryable', reason: `gRPC ${code}: ${sanitize(cause)}`, advice }
}

function answeredOutcome(
  { code, message, details }: GrpcStatus,
  response: Uint8Array | undefined,
  sanitize: SanitizeMessage,
): ExportOutcome {
  if (code === 0) return readExportResponse(response, code, sanitize)
  const name = GRPC_STATUS_NAMES[code] ?? `code ${code}`
  const shown = sanitize(message)
  const reason = `gRPC ${name}${shown ? `: ${shown}` : ''}`
  const retryAfterMillis = readRetryInfo(details)
  if (RETRYABLE.has(name)) return { kind: 'retryable', reason, retryAfterMillis, status: code }
  if (name === 'RESOURCE_EXHAUSTED') {
    if (/larger than (max|limit)|too large/i.test(message)) return { kind: 'too_large', reason, status: code }
    if (retryAfterMillis !== undefined) return { kind: 'retryable', reason, retryAfterMillis, status: code }
  }
  return { kind: 'failed', reason, status: code }
}

/** Returns what to change when the cause of a failed connection is a wrong setting. */
function misconfiguration(cause: string): { cause?: string; advice: string } | undefined {
  if (/Protocol error|Parse Error|HTTP\/1|no application protocol/i.test(cause))
    return { advice: otherPort('http/protobuf') }
  if (/wrong version number/i.test(cause)) {
    return {
      cause: 'receiver does not speak TLS',
      advice:
        'write http:// before host and port; for unix: and dns: set the option tls to false, or OTEL_EXPORTER_OTLP_INSECURE to true',
    }
  }
  return undefined
}
