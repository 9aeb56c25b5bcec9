import type { IncomingMessage } from 'node:http'
import { otherPort } from '../config/protocolAdvice.ts'
import { readExportResponse, readStatusMessage } from './exportResponse.ts'
import type { SanitizeMessage } from './secrets.ts'
import { type ExportOutcome, MAX_ANSWER_BYTES } from './transport.ts'
import { type Proxy, ProxyError, refusedCredentials, shownProxy } from './tunnel.ts'

/** Retryable status codes. https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/**
 * Converts a response to the outcome of its request.
 * @param body `undefined` when it cannot be read; the status alone decides about acceptance
 * @param proxy proxy that the request passed through
 */
export function httpOutcome(
  response: IncomingMessage,
  body: Uint8Array | undefined,
  sanitize: SanitizeMessage,
  proxy: Proxy | undefined,
): ExportOutcome {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return readExportResponse(body, status, sanitize)
  if (status === 101) {
    return { kind: 'failed', reason: 'HTTP 101 (receiver speaks another protocol)', status }
  }
  if (status >= 300 && status < 400) {
    return { kind: 'failed', reason: `HTTP ${status} (redirects are not followed)`, status }
  }
  // The request has not reached the receiver: a proxy with other credentials will pass it on.
  if (status === 407 && proxy !== undefined) {
    return { kind: 'retryable', reason: `HTTP 407: ${refusedCredentials(proxy)}`, status }
  }
  // https://opentelemetry.io/docs/specs/otlp/#failures-1
  const isStatus = response.headers['content-type'] === 'application/x-protobuf'
  const message = isStatus ? sanitize(readStatusMessage(body)) : ''
  // An answer without the receiver's message may be the proxy's own.
  const via = proxy && !isStatus ? ` (${shownProxy(proxy)})` : ''
  const reason = `HTTP ${status}${message ? `: ${message}` : ''}${via}`
  // The Collector answers 400 to a request larger than its max_request_body_size.
  if (status === 413 || (status === 400 && /body too large/i.test(message))) {
    return { kind: 'too_large', reason, status }
  }
  if (!RETRYABLE.has(status)) return { kind: 'failed', reason, status }
  return { kind: 'retryable', reason, retryAfterMillis: retryAfter(response.headers['retry-after']), status }
}

/**
 * Returns the outcome of a request without a response.
 * @param failure `undefined` for a closed connection
 * @param isLate true after the deadline
 * @param proxy proxy that the request was to pass through
 * @param isTunnel true for a request through a tunnel, so that the receiver itself answers
 */
export function httpFailure(
  failure: NodeJS.ErrnoException | undefined,
  isLate: boolean,
  proxy: Proxy | undefined,
  isTunnel: boolean,
): ExportOutcome {
  // The advice is about the receiver, and a proxy that forwards the request has failed itself.
  const isForwarded = proxy !== undefined && !isTunnel
  const { code, name } = failure ?? { name: 'closed without a response' }
  const cause = failure instanceof ProxyError ? failure.message : (code ?? name)
  const via = proxy && !(failure instanceof ProxyError) ? ` (${shownProxy(proxy)})` : ''
  const reason = isLate ? `no response in time${via}` : `${cause}${via}`
  const advice = isLate || isForwarded || failure instanceof ProxyError ? undefined : adviceFor(code)
  return { kind: 'retryable', reason: `HTTP request failed: ${reason}`, advice }
}

/** Returns what to change when an error is that of a wrong endpoint. */
function adviceFor(code = ''): string | undefined {
  if (code === 'HPE_INVALID_CONSTANT') return otherPort('grpc')
  return code === 'EPROTO'
    ? 'write http:// before the endpoint, because the receiver seems to speak no TLS'
    : undefined
}

/** Converts Retry-After, seconds or a date, to milliseconds. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function retryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const millis = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isNaN(millis) ? undefined : Math.max(0, millis)
}

/** Reads the body of a response. Returns `undefined` for a body that is too large or truncated. */
export async function readBody(response: IncomingMessage): Promise<Uint8Array | undefined> {
  // After 101 the connection carries another protocol, without end.
  if (response.statusCode === 101) response.socket.destroy()
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
