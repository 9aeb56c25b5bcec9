import http from 'node:http'
import https from 'node:https'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ExporterConfig } from '../config/exporter.ts'
import { waitUntilSent, outcomeOfThrown, raceAbort, withDeadline } from './deadline.ts'
import { type Certificates, createCertificateReloader } from './certificates.ts'
import { resolveHeaders, type Headers } from './headers.ts'
import { httpFailure, httpOutcome, readBody } from './httpOutcome.ts'
import { type SanitizeMessage, createSanitizer } from './secrets.ts'
import { type ExportOutcome, GZIP_OVER_BYTES, type Transport } from './transport.ts'

const compress = promisify(gzip)

/**
 * Removes `user:password@` from a URL and returns the header for it. Node.js would send the same header, but diagnostics could then
 * not hide the credentials when a receiver repeats the header.
 */
export function extractCredentials(url: URL): Headers {
  const { username, password } = url
  if (!username && !password) return {}
  url.username = ''
  url.password = ''
  const pair = `${decode(username)}:${decode(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Keep-alive connections to the receiver, and the certificates that they use. */
interface Pool {
  readonly agent: http.Agent
  readonly certificates: Certificates | undefined
}

/** Creates a transport for OTLP over HTTP with protobuf bodies on keep-alive connections. */
export function createHttpTransport(config: ExporterConfig): Transport {
  const url = new URL(config.url)
  const credentials = extractCredentials(url)
  const { request: open, Agent } = url.protocol === 'https:' ? https : http
  const certificates = config.tls && createCertificateReloader(config.tls)
  let pool: Pool | undefined

  async function connect(attempt: AbortSignal): Promise<http.Agent> {
    const current = certificates && (await raceAbort(attempt, certificates()))
    if (pool !== undefined && pool.certificates !== current) drain(pool.agent)
    if (pool?.certificates !== current || pool === undefined) {
      pool = { agent: new Agent({ keepAlive: true, ...current }), certificates: current }
    }
    return pool.agent
  }

  async function attemptTo(request: Uint8Array, attempt: AbortSignal): Promise<ExportOutcome> {
    const resolved = await resolveHeaders(config, attempt)
    if ('problem' in resolved) return { kind: 'retryable', reason: resolved.problem }
    const headers: Record<string, string> = { ...credentials }
    for (const [name, value] of Object.entries(resolved.headers)) headers[name.toLowerCase()] = value
    const sanitize = createSanitizer(config, { ...headers })
    const gzipped = config.compression === 'gzip' && request.length > GZIP_OVER_BYTES
    // Race the compression, because all threads of the pool may be blocked by a disk that hangs.
    const body = gzipped ? await raceAbort(attempt, compress(request)) : request
    headers['content-type'] = 'application/x-protobuf'
    headers['content-length'] = String(body.length)
    headers['user-agent'] ??= 'logbridge'
    if (gzipped) headers['content-encoding'] = 'gzip'
    const agent = await connect(attempt)
    return exchange(() => open(url, { method: 'POST', agent, headers }), body, sanitize, attempt)
  }

  return {
    async send(request, signal) {
      try {
        return await withDeadline(config.timeoutMillis, signal, (attempt) => attemptTo(request, attempt))
      } catch (error) {
        return outcomeOfThrown('HTTP', error, config, signal)
      }
    },
    // The sockets of a pool hold no process.
    abandon() {},
    close: () => pool?.agent.destroy(),
  }
}

/** Sends one request and reads its response. Resolves when the request is closed, or answered and sent to its end. */
async function exchange(
  open: () => http.ClientRequest,
  body: Uint8Array,
  sanitize: SanitizeMessage,
  attempt: AbortSignal,
): Promise<ExportOutcome> {
  const call = open()
  const stop = (): void => void call.destroy()
  let failure: NodeJS.ErrnoException | undefined
  const answered = Promise.withResolvers<http.IncomingMessage | undefined>()
  call.on('response', answered.resolve)
  call.on('upgrade', (response, socket) => {
    socket.on('error', () => {})
    answered.resolve(response)
  })
  // Unref the socket, because an attempt would keep the process alive up to its deadline. Flushes keep the process alive.
  call.on('socket', (socket) => socket.unref())
  call.on('error', (error) => (failure = error))
  // `close` comes last after each request, even without a response and an error.
  call.on('close', () => answered.resolve(undefined))
  if (attempt.aborted) stop()
  else attempt.addEventListener('abort', stop)
  try {
    call.end(body)
    const response = await answered.promise
    if (response !== undefined) {
      const outcome = httpOutcome(response, await readBody(response), sanitize)
      const accepted = outcome.kind === 'delivered'
      const isSent = await waitUntilSent(call, accepted, attempt, stop)
      return accepted && !isSent ? { ...outcome, stillRead: true } : outcome
    }
  } finally {
    attempt.removeEventListener('abort', stop)
  }
  // Repeat the exchange when the receiver closed a keep-alive connection at the moment of its reuse.
  if (call.reusedSocket && !attempt.aborted) return exchange(open, body, sanitize, attempt)
  return httpFailure(failure, attempt.aborted)
}

/** Closes idle connections, and each busy connection after its request. */
function drain(agent: http.Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
