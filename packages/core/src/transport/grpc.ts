import { type ClientHttp2Stream, constants } from 'node:http2'
import { timers } from '@logbridge/bridge/internal'
import {
  ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  connectivityState,
  InterceptingCall,
  type Interceptor,
  Metadata,
  status,
  type StatusObject,
} from '@grpc/grpc-js'
import type { Signal } from '../config/optionTable.ts'
import type { ExporterConfig } from '../config/exporter.ts'
import { waitUntilSent, outcomeOfThrown, raceAbort, withDeadline } from './deadline.ts'
import { type Certificates, createCertificateReloader } from './certificates.ts'
import { Connections } from './connections.ts'
import { sendInPlace, streamOf } from './grpcFrame.ts'
import { grpcAddress } from './grpcAddress.ts'
import { resolveHeaders } from './headers.ts'
import { resolveProxy } from './proxy.ts'
import { grpcOutcome } from './grpcOutcome.ts'
import { createSanitizer } from './secrets.ts'
import { type ExportOutcome, GZIP_OVER_BYTES, MAX_ANSWER_BYTES, type Transport } from './transport.ts'
import { type HostPort, hostPort, type Proxy, shownProxy } from './tunnel.ts'
import { USER_AGENT } from './userAgent.ts'

/** https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export const EXPORT_METHODS: Readonly<Record<Signal, string>> = {
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}

/** Flag of messages that grpc-js leaves uncompressed. grpc-js does not export its `WriteFlags`. */
const NO_COMPRESS = 2

/** Connections to the receiver, and the certificates that they use. Times are those of `performance.now()`. */
interface Channel {
  readonly client: Client
  readonly proxy: Proxy | undefined
  readonly connections: Connections
  readonly certificates: Certificates | undefined
  readonly createdAt: number
  /** Time of the last response of the receiver. */
  lastResponseAt: number
}

/** Time limit for grpc-js to end a call after its deadline, in milliseconds. */
const CANCEL_DELAY_MILLIS = 500

/** Status of a call that has ended. */
interface CallResult extends StatusObject {
  readonly response: Buffer | undefined
  /** True for a status of the receiver, false for a status that grpc-js makes up, e.g. for a lost connection. */
  readonly fromServer: boolean
  /** `undefined` before the stream exists, and with an unknown version of grpc-js. */
  readonly stream: ClientHttp2Stream | undefined
}

/** Message for environments that remove the global, such as jsdom. */
const NO_SET_IMMEDIATE =
  'gRPC needs the global setImmediate, which is missing: set the protocol to http/protobuf, or define setImmediate'

/** Creates a transport for OTLP over gRPC. Its channel connects at the first request and reconnects by itself. */
export function createGrpcTransport(config: ExporterConfig, signal: Signal = 'logs'): Transport {
  const method = EXPORT_METHODS[signal]
  const certificates = config.tls && createCertificateReloader(config.tls)
  let channel: Channel | undefined

  /** Replaces a channel: the next request connects and resolves DNS again, requests in flight end on the old channel. */
  function drain(old: Channel): void {
    if (channel === old) channel = undefined
    old.client.close()
    old.connections.close()
  }

  async function connect(attempt: AbortSignal): Promise<Channel> {
    const current = certificates && (await raceAbort(attempt, certificates()))
    if (channel !== undefined && channel.certificates !== current) drain(channel)
    if (channel === undefined) {
      channel = open(current)
    }
    return channel
  }

  function open(certificates: Certificates | undefined): Channel {
    const connections = new Connections()
    const paced = connections.pace(credentials(certificates), () => opened.lastResponseAt)
    const address = grpcAddress(config.url)
    const proxy = 'path' in address ? undefined : resolveProxy(config, address)
    const client = new Client(proxy ? `dns:${hostPort(proxy)}` : target(config.url), paced, {
      ...channelOptions(config),
      'grpc.enable_http_proxy': 0,
      ...(proxy && proxyOptions(proxy, address as HostPort)),
    })
    if (config.compression === 'none') sendInPlace(client)
    const opened: Channel = {
      client,
      proxy,
      connections,
      certificates,
      createdAt: performance.now(),
      lastResponseAt: 0,
    }
    return opened
  }

  /**
   * Returns true for a channel without any response since a time although its connection is open. Such a channel would accept
   * every request until the kernel times out after many minutes. Pings detect a dead connection later than most deadlines, and
   * servers close connections that ping often, grpc-go those that ping more than once in five minutes. A channel that is still
   * connecting has the time of two attempts, by default the 20 s of gRPC.
   * https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
   */
  function isSilent({ client, createdAt, lastResponseAt }: Channel, since: number): boolean {
    if (lastResponseAt >= since) return false
    const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY
    return isConnected || performance.now() - createdAt >= 2 * config.timeoutMillis
  }

  async function send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const start = performance.now()
    return await withDeadline(config.timeoutMillis, signal, async (attempt) => {
      const resolved = await resolveHeaders(config, attempt)
      if ('problem' in resolved) return { kind: 'retryable', reason: resolved.problem }
      const { headers } = resolved
      const current = await connect(attempt)
      // Another attempt has replaced the channel meanwhile.
      if (current !== channel) return { kind: 'retryable', reason: 'gRPC connection replaced' }
      const metadata = new Metadata()
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      const sentAt = performance.now()
      const deadline = Date.now() + config.timeoutMillis - (sentAt - start)
      return await current.connections.use(async () => {
        const result = await callExport(current, method, request, metadata, deadline, { signal, attempt })
        if (result.code === status.DEADLINE_EXCEEDED && isSilent(current, sentAt)) drain(current)
        const statusDetails = detailsOf(result.metadata)
        const details = detailsWithProxy(result, current.proxy)
        const outcome = grpcOutcome({ ...result, details, statusDetails }, createSanitizer(config, headers))
        const accepted = outcome.kind === 'delivered'
        const isSent = await streamSent(result.stream, accepted, attempt)
        return accepted && !isSent ? { ...outcome, stillRead: true } : outcome
      })
    })
  }

  return {
    async send(request, signal) {
      // grpc-js calls the global setImmediate in places where nothing catches an error.
      if (typeof globalThis.setImmediate !== 'function') return { kind: 'failed', reason: NO_SET_IMMEDIATE }
      try {
        return await send(request, signal)
      } catch (error) {
        return outcomeOfThrown('gRPC', error, config, signal)
      }
    },
    abandon() {
      const isConnected = channel?.client.getChannel().getConnectivityState(false) === connectivityState.READY
      if (channel && !isConnected) drain(channel)
    },
    close() {
      if (channel) drain(channel)
    },
  }
}

/** Waits until the request is sent, because grpc-js ends a call with its status while the request may still be sending. */
async function streamSent(
  stream: ClientHttp2Stream | undefined,
  accepted: boolean,
  attempt: AbortSignal,
): Promise<boolean> {
  if (stream === undefined) return false
  return await waitUntilSent(stream, accepted, attempt, () => {
    stream.close(constants.NGHTTP2_CANCEL)
    // Destroy the stream at once, because the reset may wait for a connection that transmits nothing.
    stream.destroy()
  })
}

function callExport(
  channel: Channel,
  method: string,
  request: Uint8Array,
  metadata: Metadata,
  deadline: number,
  { signal, attempt }: { readonly signal: AbortSignal; readonly attempt: AbortSignal },
): Promise<CallResult> {
  return new Promise((resolve) => {
    let response: Buffer | undefined
    let hasHeaders = false
    const call = channel.client.makeUnaryRequest(
      method,
      identity,
      identity,
      // grpc-js writes only Buffers. Pass a Buffer on as it is, because `hasHeadroom` recognizes the object.
      Buffer.isBuffer(request)
        ? request
        : Buffer.from(request.buffer, request.byteOffset, request.byteLength),
      metadata,
      { deadline },
      (_, received) => {
        response = received
      },
    )
    call.on('metadata', () => {
      hasHeaders = true
      channel.lastResponseAt = performance.now()
    })
    // The status event has the status of the receiver, where the callback has an error for OK without a message.
    call.on('status', (result) => {
      signal.removeEventListener('abort', abort)
      attempt.removeEventListener('abort', abortLate)
      timers.clearTimeout(late)
      // The receiver sends metadata with each status, at least the content type. A status of grpc-js has no metadata.
      const hasMetadata = Object.keys(result.metadata.getMap()).length > 0
      const fromServer = hasMetadata || (hasHeaders && !CLIENT_STATUS.test(result.details))
      if (fromServer) channel.lastResponseAt = performance.now()
      resolve({ ...result, response, fromServer, stream: streamOf(call) })
    })
    let late: NodeJS.Timeout | undefined
    const abort = (): void => call.cancel()
    // grpc-js ends the call at the deadline with DEADLINE_EXCEEDED. Cancel later in case a test has replaced its timers.
    const abortLate = (): void => void (late = timers.setTimeout(abort, CANCEL_DELAY_MILLIS))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    attempt.addEventListener('abort', abortLate)
  })
}

/** First words in the details of a status that grpc-js makes up after the headers of the receiver. */
const CLIENT_STATUS =
  /^(Received RST_STREAM|Connection dropped|Deadline exceeded|Cancelled on client|Received message|Failed to decompress)/

function detailsOf(metadata: Metadata): Uint8Array | undefined {
  const [details] = metadata.get('grpc-status-details-bin')
  return details instanceof Uint8Array ? details : undefined
}

function channelOptions(config: ExporterConfig): ChannelOptions & { interceptors?: Interceptor[] } {
  return {
    ...(config.compression === 'gzip' && {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
      interceptors: [smallUncompressed],
    }),
    'grpc.max_send_message_length': -1,
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Reconnect soon after the receiver has returned. retry.ts controls the interval of requests.
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 5000,
    // Resolve again after 5 s instead of 30 s, because a receiver that has moved is unreachable until then.
    'grpc.dns_min_time_between_resolutions_ms': 5000,
    // Keep the connections of a replaced channel out of the new channel.
    'grpc.use_local_subchannel_pool': 1,
    // Balance requests over all addresses of a `dns:///` name.
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.service_config_disable_resolution': 1,
    'grpc.primary_user_agent': USER_AGENT,
  }
}

function proxyOptions(proxy: Proxy, to: HostPort): ChannelOptions {
  const [, credentials] = proxy.authorization?.split(' ') ?? []
  return {
    'grpc.http_connect_target': `dns:${hostPort(to)}`,
    'grpc.default_authority': hostPort(to),
    ...(credentials && { 'grpc.http_connect_creds': Buffer.from(credentials, 'base64').toString() }),
  }
}

/** Names the proxy in the details of a lost or failed connection. grpc-js has `undefined` there when a proxy refuses. */
function detailsWithProxy({ code, details, fromServer }: CallResult, proxy: Proxy | undefined): string {
  if (proxy === undefined || fromServer || code !== status.UNAVAILABLE) return details
  const isRefused = /(^|: )undefined\b/.test(details)
  if (!isRefused) return `${details} (${shownProxy(proxy)})`
  const hint = proxy.authorization
    ? 'are user name and password in its URL correct'
    : 'does it need a user name and a password in its URL'
  return `${shownProxy(proxy)} is unreachable or refuses the tunnel (${hint}?)`
}

const smallUncompressed: Interceptor = (options, nextCall) => {
  const call = nextCall(options)
  const send = call.sendMessageWithContext.bind(call)
  call.sendMessageWithContext = (context, message) =>
    send(message.length > GZIP_OVER_BYTES ? context : { ...context, flags: NO_COMPRESS }, message)
  return new InterceptingCall(call)
}

/** Converts `http(s)://host:port` to a target of grpc-js. Returns `dns:`, `unix:`, and other targets unchanged. */
function target(url: string): string {
  if (!/^https?:\/\//i.test(url)) return url
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

function credentials(certificates: Certificates | undefined): ChannelCredentials {
  if (certificates === undefined) return ChannelCredentials.createInsecure()
  const { ca, key, cert } = certificates
  return ChannelCredentials.createSsl(ca ?? null, key ?? null, cert ?? null)
}

function identity(bytes: Buffer): Buffer {
  return bytes
}
