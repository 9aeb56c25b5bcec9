import type http from 'node:http'
import type { ExporterConfig } from '../config/exporter.ts'
import { waitUntilSent, outcomeOfThrown, raceAbort, withDeadline } from './deadline.ts'
import { type Certificates, createCertificateReloader } from './certificates.ts'
import { compressRequest } from './gzip.ts'
import { extractCredentials, lowerCaseNames, resolveHeaders } from './headers.ts'
import { createHttpClient, type HttpClient } from './httpClient.ts'
import { httpFailure, httpOutcome, readBody } from './httpOutcome.ts'
import { resolveProxy } from './proxy.ts'
import { type SanitizeMessage, createSanitizer } from './secrets.ts'
import type { ExportOutcome, Transport } from './transport.ts'
import { hostPortOf, type Proxy } from './tunnel.ts'
import { userAgent } from './userAgent.ts'

/** Keep-alive connections to the receiver, with the certificates and the proxy that they use. */
interface Pool extends HttpClient {
  readonly certificates: Certificates | undefined
  readonly proxy: Proxy | undefined
}

/** Creates a transport for OTLP over HTTP with protobuf bodies on keep-alive connections. */
export function createHttpTransport(config: ExporterConfig): Transport {
  const url = new URL(config.url)
  const credentials = extractCredentials(url)
  const certificates = config.tls && createCertificateReloader(config.tls)
  let pool: Pool | undefined

  async function connect(attempt: AbortSignal): Promise<Pool> {
    const current = certificates && (await raceAbort(attempt, certificates()))
    const proxy = config.agent ? undefined : resolveProxy(config, hostPortOf(url))
    if (pool?.certificates === current && isSameProxy(pool?.proxy, proxy) && pool !== undefined) return pool
    if (pool !== undefined && !config.agent) drain(pool.agent)
    pool = {
      ...createHttpClient(url, current, { proxy, agent: config.agent, isUnref: true }),
      certificates: current,
      proxy,
    }
    return pool
  }

  async function attemptTo(request: Uint8Array, attempt: AbortSignal): Promise<ExportOutcome> {
    const resolved = await resolveHeaders(config, attempt)
    if ('problem' in resolved) return { kind: 'retryable', reason: resolved.problem }
    const headers: Record<string, string> = { ...credentials, ...lowerCaseNames(resolved.headers) }
    const sanitize = createSanitizer(config, { ...headers })
    const compressed = await compressRequest(config, request, attempt)
    const body = compressed ?? request
    headers['content-type'] = 'application/x-protobuf'
    headers['content-length'] = String(body.length)
    headers['user-agent'] = userAgent(headers['user-agent'])
    if (compressed) headers['content-encoding'] = 'gzip'
    const { open, proxy } = await connect(attempt)
    const isTunnel = config.tls !== undefined
    return exchange(() => open(headers, attempt), { body, sanitize, proxy, isTunnel }, attempt)
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
    close() {
      // The agent of the application may serve other requests.
      if (!config.agent) pool?.agent.destroy()
    },
  }
}

/** Sends one request and reads its response. Resolves when the request is closed, or answered and sent to its end. */
async function exchange(
  open: () => http.ClientRequest,
  request: {
    readonly body: Uint8Array
    readonly sanitize: SanitizeMessage
    readonly proxy: Proxy | undefined
    readonly isTunnel: boolean
  },
  attempt: AbortSignal,
): Promise<ExportOutcome> {
  const { body, sanitize, proxy, isTunnel } = request
  const call = open()
  const stop = (): void => void call.destroy()
  let failure: NodeJS.ErrnoException | undefined
  const answered = Promise.withResolvers<http.IncomingMessage | undefined>()
  call.on('response', answered.resolve)
  call.on('upgrade', answered.resolve)
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
      const outcome = httpOutcome(response, await readBody(response), sanitize, proxy)
      const accepted = outcome.kind === 'delivered'
      const isSent = await waitUntilSent(call, accepted, attempt, stop)
      return accepted && !isSent ? { ...outcome, stillRead: true } : outcome
    }
  } finally {
    attempt.removeEventListener('abort', stop)
  }
  // Repeat the exchange when the receiver closed a keep-alive connection at the moment of its reuse.
  if (call.reusedSocket && !attempt.aborted) return exchange(open, request, attempt)
  return httpFailure(failure, attempt.aborted, proxy, isTunnel)
}

function isSameProxy(a: Proxy | undefined, b: Proxy | undefined): boolean {
  return (
    a?.host === b?.host &&
    a?.port === b?.port &&
    a?.isSecure === b?.isSecure &&
    a?.authorization === b?.authorization
  )
}

/** Closes idle connections, and each busy connection after its request. */
function drain(agent: http.Agent): void {
  agent.maxFreeSockets = 0
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}
