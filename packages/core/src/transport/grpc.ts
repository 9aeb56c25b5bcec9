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
import { sendFramed, streamOf } from './grpcFrame.ts'
import { resolveHeaders } from './headers.ts'
import { grpcOutcome } from './grpcOutcome.ts'
import { createSanitizer } from './secrets.ts'
import { type ExportOutcome, GZIP_OVER_BYTES, MAX_ANSWER_BYTES, type Transport } from './transport.ts'

/** https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export const EXPORT_METHODS: Readonly<Record<Signal, string>> = {
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}

/** grpc-js compresses every message of a channel but those with this flag: its `WriteFlags`, which it does not export. */
const NO_COMPRESS = 2

/** Connections to the receiver, and what they were made with. Times are by the monotonic clock. */
interface Channel {
  readonly client: Client
  readonly connections: Connections
  readonly certificates: Certificates | undefined
  readonly createdAt: number
  /** When the receiver last said something. */
  lastResponseAt: number
}

/** How long grpc-js may take to end a call whose deadline has passed. */
const LATE_MILLIS = 500

/** How a call ended. */
interface CallResult extends StatusObject {
  readonly response: Buffer | undefined
  /** Whether the code is the receiver's: grpc-js has codes of its own for what happens on the way. */
  readonly answered: boolean
  /** `undefined` before the stream exists, and with an unknown version of grpc-js. */
  readonly stream: ClientHttp2Stream | undefined
}

/** A test environment such as jsdom takes it away. */
const NO_SET_IMMEDIATE =
  'gRPC needs the global setImmediate, which is missing: set the protocol to http/protobuf, or define setImmediate'

/** OTLP over gRPC. A channel connects at the first request and then stays, reconnecting by itself. */
export function createGrpcTransport(config: ExporterConfig, signal: Signal = 'logs'): Transport {
  const method = EXPORT_METHODS[signal]
  const certificates = config.tls && createCertificateReloader(config.tls)
  let channel: Channel | undefined

  /** The next request connects anew, and asks DNS anew. What is in flight on the channel still ends there. */
  function drain(left: Channel): void {
    if (channel === left) channel = undefined
    left.client.close()
    left.connections.close()
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
    const client = new Client(target(config.url), paced, channelOptions(config))
    if (config.compression === 'none') sendFramed(client)
    const opened: Channel = {
      client,
      connections,
      certificates,
      createdAt: performance.now(),
      lastResponseAt: 0,
    }
    return opened
  }

  /**
   * Whether nothing comes back on a channel though its connection is not closed. It would take every request until the
   * kernel gives it up, after many minutes. Pings find it only later than most deadlines, and servers close connections
   * that ping often: grpc-go those that do more than once in five minutes. One that is still being made has the time of two
   * attempts: 20 s by default, as gRPC has it. https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md
   */
  function isSilent({ client, createdAt: madeAt, lastResponseAt: heardAt }: Channel, since: number): boolean {
    if (heardAt >= since) return false
    const connected = client.getChannel().getConnectivityState(false) === connectivityState.READY
    return connected || performance.now() - madeAt >= 2 * config.timeoutMillis
  }

  async function send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    const start = performance.now()
    return await withDeadline(config.timeoutMillis, signal, async (attempt) => {
      const asked = await resolveHeaders(config, attempt)
      if ('problem' in asked) return { kind: 'retryable', reason: asked.problem }
      const { headers } = asked
      const current = await connect(attempt)
      // Another attempt has left it in this moment.
      if (current !== channel) return { kind: 'retryable', reason: 'gRPC connection replaced' }
      const metadata = new Metadata()
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      const sentAt = performance.now()
      const deadline = Date.now() + config.timeoutMillis - (sentAt - start)
      return await current.connections.use(async () => {
        const ended = await callExport(current, method, request, metadata, deadline, { signal, attempt })
        if (ended.code === status.DEADLINE_EXCEEDED && isSilent(current, sentAt)) drain(current)
        const statusDetails = detailsOf(ended.metadata)
        const outcome = grpcOutcome({ ...ended, statusDetails }, createSanitizer(config, headers))
        const accepted = outcome.kind === 'delivered'
        const sent = await streamSent(ended.stream, accepted, attempt)
        return accepted && !sent ? { ...outcome, stillRead: true } : outcome
      })
    })
  }

  return {
    async send(request, signal) {
      // grpc-js calls it by its global name, also where nothing catches what that throws.
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

/** Waits as `allSent` does. grpc-js ends a call with its status, also where the request is still being sent. */
async function streamSent(
  stream: ClientHttp2Stream | undefined,
  accepted: boolean,
  attempt: AbortSignal,
): Promise<boolean> {
  if (stream === undefined) return false
  return await waitUntilSent(stream, accepted, attempt, () => {
    stream.close(constants.NGHTTP2_CANCEL)
    // At once, because the reset itself may have to wait for a connection that carries nothing.
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
    let headersCame = false
    const call = channel.client.makeUnaryRequest(
      method,
      identity,
      identity,
      // grpc-js can write nothing but a Buffer, and one that is framed is known by itself.
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
      headersCame = true
      channel.lastResponseAt = performance.now()
    })
    // Unlike the callback's error this is what the receiver said, also where it answered OK and no message.
    call.on('status', (ended) => {
      signal.removeEventListener('abort', abort)
      attempt.removeEventListener('abort', abortLate)
      timers.clearTimeout(late)
      // A status that comes without headers has at least the content type beside it; one that grpc-js makes up has nothing.
      const trailersCame = Object.keys(ended.metadata.getMap()).length > 0
      const answered = trailersCame || (headersCame && !CLIENT_STATUS.test(ended.details))
      if (answered) channel.lastResponseAt = performance.now()
      resolve({ ...ended, response, answered, stream: streamOf(call) })
    })
    let late: NodeJS.Timeout | undefined
    const abort = (): void => call.cancel()
    // grpc-js ends the call at the deadline itself, and says so, unless its timer is a fake one of a test.
    const abortLate = (): void => void (late = timers.setTimeout(abort, LATE_MILLIS))
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
    attempt.addEventListener('abort', abortLate)
  })
}

/** How grpc-js begins the details when a call has ended without a status of the receiver, after its headers. */
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
    // Reconnects soon after the collector is back; how often requests are tried is for retry.ts to say.
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 5000,
    // Asked only when a connection is lost or cannot be had; 30 s by default, which a collector that has moved is away longer.
    'grpc.dns_min_time_between_resolutions_ms': 5000,
    // A channel that is left must not hand its connections to the one that replaces it.
    'grpc.use_local_subchannel_pool': 1,
    // Spreads requests over all addresses behind a `dns:///` name.
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.service_config_disable_resolution': 1,
    'grpc.primary_user_agent': 'logbridge',
  }
}

const smallUncompressed: Interceptor = (options, nextCall) => {
  const call = nextCall(options)
  const send = call.sendMessageWithContext.bind(call)
  call.sendMessageWithContext = (context, message) =>
    send(message.length > GZIP_OVER_BYTES ? context : { ...context, flags: NO_COMPRESS }, message)
  return new InterceptingCall(call)
}

/** `http(s)://host:port` as grpc-js names it; `dns:`, `unix:` and other targets as they are. */
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
