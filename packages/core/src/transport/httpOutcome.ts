import type { IncomingMessage } from 'node:http'
import { readExportResponse, readStatusMessage } from './exportResponse.ts'
import type { SanitizeMessage } from './secrets.ts'
import { type ExportOutcome, MAX_ANSWER_BYTES } from './transport.ts'

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** @param body whatever becomes of it, the status has said whether the request was accepted */
export function httpOutcome(
  response: IncomingMessage,
  body: Uint8Array | undefined,
  shown: SanitizeMessage,
): ExportOutcome {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return readExportResponse(body, status, shown)
  if (status === 101) {
    return { kind: 'failed', reason: 'HTTP 101 (the receiver speaks another protocol)', status }
  }
  if (status >= 300 && status < 400) {
    return { kind: 'failed', reason: `HTTP ${status} (redirects are not followed)`, status }
  }
  // https://opentelemetry.io/docs/specs/otlp/#failures-1
  const isStatus = response.headers['content-type'] === 'application/x-protobuf'
  const words = isStatus ? shown(readStatusMessage(body)) : ''
  const reason = `HTTP ${status}${words ? `: ${words}` : ''}`
  // The Collector answers 400 to what is over its max_request_body_size.
  if (status === 413 || (status === 400 && /body too large/i.test(words))) {
    return { kind: 'too_large', reason, status }
  }
  if (!RETRYABLE.has(status)) return { kind: 'failed', reason, status }
  return { kind: 'retryable', reason, retryAfterMillis: retryAfter(response.headers['retry-after']), status }
}

/**
 * Makes the outcome of a request without an answer.
 * @param failure `undefined`: the connection was closed
 */
export function httpFailure(
  failure: Pick<NodeJS.ErrnoException, 'code' | 'name'> | undefined,
  isLate: boolean,
): ExportOutcome {
  const { code, name } = failure ?? { name: 'closed without an answer' }
  const reason = isLate ? 'no answer in time' : `${code ?? name}${hint(code)}`
  return { kind: 'retryable', reason: `HTTP request failed: ${reason}` }
}

/** What to look at where the endpoint is most likely wrong. */
function hint(code = ''): string {
  if (code.startsWith('HPE_'))
    return ' (is this the port for HTTP? OTLP over gRPC has port 4317 and protocol grpc)'
  return code === 'EPROTO' ? ' (does the receiver speak TLS? if not, write http:// before the endpoint)' : ''
}

/** Retry-After in milliseconds: seconds, or a date. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const millis = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(millis) ? undefined : Math.max(0, millis)
}

/** `undefined` when it is too large, or cut short. */
export async function readBody(response: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > MAX_ANSWER_BYTES) {
        response.destroy()
        return undefined
      }
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
