import http from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ExporterConfig } from '../config/exporter.ts'
import { askHeaders } from './headers.ts'
import { readExportResponse } from './response.ts'
import type { ExportOutcome, Transport } from './transport.ts'

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Smaller requests cost more to compress than to send. */
const GZIP_OVER_BYTES = 1024
/** A response holds at most a partial success or a status; more is not read. */
const MAX_RESPONSE_BYTES = 64 * 1024

const compress = promisify(gzip)

/** OTLP over HTTP with protobuf bodies, on kept-alive connections. */
export function createHttpTransport(config: ExporterConfig): Transport {
  const url = new URL(config.url)
  const { request: open, Agent } = url.protocol === 'https:' ? https : http
  const agent = new Agent({ keepAlive: true, ...config.tls })

  async function send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const attempt = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMillis)])
    const headers: Record<string, string> = {}
    try {
      const asked = await askHeaders(config, attempt)
      for (const [name, value] of Object.entries(asked)) headers[name.toLowerCase()] = value
    } catch {
      // The error may hold a header.
      return { kind: 'retryable', reason: 'the headers could not be had' }
    }
    const gzipped = config.compression === 'gzip' && request.length > GZIP_OVER_BYTES
    const body = gzipped ? await compress(request) : request
    headers['content-type'] = 'application/x-protobuf'
    headers['content-length'] = String(body.length)
    headers['user-agent'] ??= 'logbridge'
    if (gzipped) headers['content-encoding'] = 'gzip'
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void =>
        resolve({
          kind: 'retryable',
          reason: `HTTP request failed: ${error.code ?? error.name}${hint(error)}`,
        })
      const call = open(url, { method: 'POST', agent, headers, signal: attempt }, (response) => {
        readBody(response).then((content) => resolve(outcomeOf(response, content)), failed)
      })
      call.on('error', failed)
      call.end(body)
    })
  }

  return {
    // What a request throws at once (a header that HTTP does not allow) would be thrown again: no use to retry.
    send: (request, signal) =>
      send(request, signal).catch((error: NodeJS.ErrnoException) => ({
        kind: 'failed',
        reason: `HTTP request impossible: ${error.code ?? error.name}`,
      })),
    wake() {},
    close: () => agent.destroy(),
  }
}

async function readBody(response: http.IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_RESPONSE_BYTES) {
      response.destroy()
      return undefined
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function outcomeOf(response: http.IncomingMessage, body: Uint8Array | undefined): ExportOutcome {
  const code = response.statusCode ?? 0
  if (code >= 200 && code < 300) return readExportResponse(body)
  const reason = `HTTP ${code}`
  if (code === 413) return { kind: 'too-large', reason }
  if (!RETRYABLE.has(code)) return { kind: 'failed', reason }
  return { kind: 'retryable', reason, afterMillis: retryAfter(response.headers['retry-after']) }
}

/** What to look at where the endpoint is most likely wrong. */
function hint({ code = '' }: NodeJS.ErrnoException): string {
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
