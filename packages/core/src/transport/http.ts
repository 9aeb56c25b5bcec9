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
 * The header for `user:password@` of a URL, which is taken out of it. Node would make the same of it, but then a receiver that
 * repeats what it was sent would have it shown.
 */
export function extractCredentials(url: URL): Headers {
  const { username, password } = url
  if (!username && !password) return {}
  url.username = ''
  url.password = ''
  const pair = `${decoded(username)}:${decoded(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Kept-alive connections to the receiver, and what they were made with. */
interface Pool {
  readonly agent: http.Agent
  readonly certificates: Certificates | undefined
}

/** OTLP over HTTP with protobuf bodies, on kept-alive connections. */
export function createHttpTransport(config: ExporterConfig): Transport {
  const url = new URL(config.url)
  const signIn = extractCredentials(url)
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
    const asked = await resolveHeaders(config, attempt)
    if ('problem' in asked) return { kind: 'retryable', reason: asked.problem }
    const headers: Record<string, string> = { ...signIn }
    for (const [name, value] of Object.entries(asked.headers)) headers[name.toLowerCase()] = value
    const shown = createSanitizer(config, { ...headers })
    const gzipped = config.compression === 'gzip' && request.length > GZIP_OVER_BYTES
    // Compression waits for a thread, and all of them may be busy with a disk that does not answer.
    const body = gzipped ? await raceAbort(attempt, compress(request)) : request
    headers['content-type'] = 'application/x-protobuf'
    headers['content-length'] = String(body.length)
    headers['user-agent'] ??= 'logbridge'
    if (gzipped) headers['content-encoding'] = 'gzip'
    const agent = await connect(attempt)
    return exchange(() => open(url, { method: 'POST', agent, headers }), body, shown, attempt)
  }

  return {
    async send(request, signal) {
      try {
        return await withDeadline(config.timeoutMillis, signal, (attempt) => attemptTo(request, attempt))
      } catch (error) {
        return outcomeOfThrown('HTTP', error, config, signal)
      }
    },
    close: () => pool?.agent.destroy(),
  }
}

/** Sends one request, and reads its answer. It is over when the request is closed, or answered and sent to its end. */
async function exchange(
  open: () => http.ClientRequest,
  body: Uint8Array,
  shown: SanitizeMessage,
  attempt: AbortSignal,
): Promise<ExportOutcome> {
  const call = open()
  const stop = (): void => void call.destroy()
  let failure: NodeJS.ErrnoException | undefined
  const answer = Promise.withResolvers<http.IncomingMessage | undefined>()
  call.on('response', answer.resolve)
  call.on('upgrade', (response, socket) => {
    socket.on('error', () => {})
    answer.resolve(response)
  })
  // Whoever flushes holds the process, and its end flushes: an attempt would hold it for the whole deadline.
  call.on('socket', (socket) => socket.unref())
  call.on('error', (error) => (failure = error))
  // Comes last, whatever becomes of the request, also where no answer and no error does.
  call.on('close', () => answer.resolve(undefined))
  if (attempt.aborted) stop()
  else attempt.addEventListener('abort', stop)
  try {
    call.end(body)
    const response = await answer.promise
    if (response !== undefined) {
      // What follows on this connection is no HTTP.
      if (response.statusCode === 101) response.socket.destroy()
      const outcome = httpOutcome(response, await readBody(response), shown)
      const accepted = outcome.kind === 'delivered'
      const sent = await waitUntilSent(call, accepted, attempt, stop)
      return accepted && !sent ? { ...outcome, stillRead: true } : outcome
    }
  } finally {
    attempt.removeEventListener('abort', stop)
  }
  // The receiver has closed a connection that was kept just as it was used: no fault of the receiver's.
  if (call.reusedSocket && !attempt.aborted) return exchange(open, body, shown, attempt)
  return httpFailure(failure, attempt.aborted)
}

/** Keeps no connection; requests that are on one end there. */
function drain(agent: http.Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
