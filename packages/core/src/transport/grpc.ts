import type { ClientHttp2Stream } from 'node:http2'
import { createSecureContext } from 'node:tls'
import type { ExporterConfig } from '../config/exporter.ts'
import { type GrpcAddress, type GrpcTarget, parseGrpcTarget } from '../config/grpcTarget.ts'
import type { Signal } from '../config/optionTable.ts'
import { timerMillis } from '../process/timers.ts'
import { type Certificates, createCertificateReloader } from './certificates.ts'
import { outcomeOfThrown, raceAbort, waitUntilSent, withDeadline } from './deadline.ts'
import { causeOf } from './connect.ts'
import { cancelStream, exchangeMessages, type GrpcCall, requestHeaders } from './grpcCall.ts'
import { GrpcConnections } from './grpcConnections.ts'
import { type EndedCall, grpcOutcome } from './grpcOutcome.ts'
import { compressRequest } from './gzip.ts'
import { lowerCaseNames, resolveHeaders } from './headers.ts'
import type { Http2Session } from './http2Session.ts'
import { resolveProxy } from './proxy.ts'
import { createSanitizer } from './secrets.ts'
import type { ExportOutcome, Transport } from './transport.ts'
import { hostPort, type Proxy, ProxyError, shownProxy } from './tunnel.ts'
import { userAgent } from './userAgent.ts'

/** https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export const EXPORT_METHODS: Readonly<Record<Signal, string>> = {
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}

/** Number of connections that a request is sent on when the receiver refuses its stream unprocessed, as after GOAWAY. */
const MAX_REFUSALS = 3

/** Connections to the receiver, with the proxy and the certificates that they use. */
interface Channel {
  readonly connections: GrpcConnections
  readonly proxy: Proxy | undefined
  readonly certificates: Certificates | undefined
}

/** Attempt to send one request. */
interface Attempt {
  /** Aborted at the deadline, and with `outer`. */
  readonly signal: AbortSignal
  /** Aborted at a shutdown. */
  readonly outer: AbortSignal
  /** On `performance.now()`. */
  readonly deadline: number
}

/** @throws TypeError for an invalid target, which `resolveEndpoint` refuses */
export function targetOf(url: string): GrpcTarget {
  const target = parseGrpcTarget(url)
  if (target === undefined) throw new TypeError('invalid gRPC target')
  return target
}

/** Returns the authority of requests. The receiver on a socket in the file system has no name. */
export function authorityOf(address: GrpcAddress): string {
  return 'host' in address ? hostPort(address) : 'localhost'
}

/** Creates a transport for OTLP over gRPC. Connects at the first request. */
export function createGrpcTransport(config: ExporterConfig, signal: Signal = 'logs'): Transport {
  const target = targetOf(config.url)
  const [address] = target.addresses
  const authority = authorityOf(address)
  const certificates = config.tls && createCertificateReloader(config.tls)
  let channel: Channel | undefined

  /** Returns the connections. New certificates replace them, and requests in flight end on the old ones. */
  async function connect(attempt: AbortSignal): Promise<Channel> {
    const current = certificates && (await raceAbort(attempt, certificates()))
    if (channel !== undefined && channel.certificates !== current) close()
    channel ??= open(current)
    return channel
  }

  function open(current: Certificates | undefined): Channel {
    const proxy = 'host' in address ? resolveProxy(config, address) : undefined
    const connections = new GrpcConnections({
      target,
      hostname: 'host' in address ? address.host : 'localhost',
      tls: current && { secureContext: createSecureContext(current) },
      proxy,
      connectTimeoutMillis: timerMillis(2 * config.timeoutMillis),
      isUnref: true,
    })
    return { connections, proxy, certificates: current }
  }

  async function attemptTo(request: Uint8Array, attempt: Attempt): Promise<ExportOutcome> {
    const { signal: inner } = attempt
    const resolved = await resolveHeaders(config, inner)
    if ('problem' in resolved) return { kind: 'retryable', reason: resolved.problem }
    const headers = lowerCaseNames(resolved.headers)
    headers['user-agent'] = userAgent(headers['user-agent'])
    const compressed = await compressRequest(config, request, inner)
    const call: GrpcCall = {
      authority,
      isSecure: config.tls !== undefined,
      method: EXPORT_METHODS[signal],
      headers,
      message: compressed ?? request,
      isCompressed: compressed !== undefined,
    }
    const { result, stream } = await exchange(await connect(inner), call, attempt)
    const outcome = grpcOutcome(result, createSanitizer(config, resolved.headers))
    if (stream === undefined) return outcome
    const accepted = outcome.kind === 'delivered'
    const isSent = await waitUntilSent(stream, accepted, inner, () => cancelStream(stream))
    return accepted && !isSent ? { ...outcome, stillRead: true } : outcome
  }

  function close(): void {
    channel?.connections.close()
    channel = undefined
  }

  return {
    async send(request, signal) {
      try {
        const deadline = performance.now() + config.timeoutMillis
        return await withDeadline(config.timeoutMillis, signal, (inner) =>
          attemptTo(request, { signal: inner, outer: signal, deadline }),
        )
      } catch (error) {
        return outcomeOfThrown('gRPC', error, config, signal)
      }
    },
    abandon: () => channel?.connections.abandon(),
    close,
  }
}

/** Sends a call on a connection, and on another one when the receiver refuses the stream. */
async function exchange(
  { connections, proxy }: Channel,
  call: GrpcCall,
  attempt: Attempt,
): Promise<{ readonly result: EndedCall; readonly stream?: ClientHttp2Stream }> {
  const { signal, outer, deadline } = attempt
  for (let refusals = 0; ; refusals += 1) {
    let session: Http2Session | undefined
    let stream: ClientHttp2Stream
    let sentAt = 0
    try {
      session = await connections.pick(signal)
      sentAt = performance.now()
      stream = session.request(requestHeaders(call, deadline - sentAt))
    } catch (error) {
      if (session === undefined) {
        const isLate = signal.aborted
        return { result: isLate ? abortedCall(outer, 'no connection in time') : lostCall(error, proxy) }
      }
      // Some versions of Node.js throw for a session that has ended, others fail the stream.
      if (session.isOpen || refusals === MAX_REFUSALS) throw error
      continue
    }
    const result = await exchangeMessages(stream, call, signal)
    if (result.kind === 'refused' && refusals < MAX_REFUSALS) continue
    if (result.kind !== 'aborted') return { result, stream }
    if (!outer.aborted && session.lastResponseAt < sentAt) connections.replace(session)
    return { result: abortedCall(outer, 'no response in time') }
  }
}

/** Returns the result of a call that was aborted: at its deadline, or at a shutdown, where the cause tells why records are dropped. */
function abortedCall(outer: AbortSignal, cause: string): EndedCall {
  return outer.aborted
    ? { kind: 'lost', code: 'CANCELLED', cause: 'no response yet' }
    : { kind: 'lost', code: 'DEADLINE_EXCEEDED', cause }
}

function lostCall(error: unknown, proxy: Proxy | undefined): EndedCall {
  const cause = causeOf(error)
  const isOfProxy = error instanceof ProxyError
  return {
    kind: 'lost',
    code: 'UNAVAILABLE',
    cause: proxy && !isOfProxy ? `${cause} (${shownProxy(proxy)})` : cause,
  }
}
