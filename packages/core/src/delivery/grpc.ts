import {
  ChannelCredentials,
  type ChannelOptions,
  Client,
  compressionAlgorithms,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import type { ExporterConfig, Signal } from '../config/exporter.ts'
import { askHeaders } from './headers.ts'
import { readExportResponse, readRetryInfo } from './response.ts'
import type { ExportOutcome, Transport } from './transport.ts'

/** https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
const EXPORT: Readonly<Record<Signal, string>> = {
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}

/** https://opentelemetry.io/docs/specs/otlp/#failures; RESOURCE_EXHAUSTED only with RetryInfo. */
const RETRYABLE: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.OUT_OF_RANGE,
  status.UNAVAILABLE,
  status.DATA_LOSS,
])

/** OTLP over gRPC. The channel connects at the first request and then stays, reconnecting by itself. */
export function createGrpcTransport(config: ExporterConfig, signal: Signal = 'logs'): Transport {
  const method = EXPORT[signal]
  let client: Client | undefined

  return {
    async send(request, signal) {
      const deadline = Date.now() + config.timeoutMillis
      const attempt = AbortSignal.any([signal, AbortSignal.timeout(config.timeoutMillis)])
      const metadata = new Metadata()
      try {
        const headers = await askHeaders(config, attempt)
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      } catch {
        // The error may hold a header.
        return { kind: 'retryable', reason: 'the headers could not be had' }
      }
      try {
        client ??= new Client(target(config.url), credentials(config), channelOptions(config))
        return await unary(client, method, request, metadata, deadline, signal)
      } catch (error) {
        // What is thrown at once (a certificate that cannot be read) would be thrown again: no use to retry.
        const { code, name } = error as NodeJS.ErrnoException
        return { kind: 'failed', reason: `gRPC request impossible: ${code ?? name}` }
      }
    },
    wake() {},
    close() {
      client?.close()
    },
  }
}

function unary(
  client: Client,
  method: string,
  request: Uint8Array,
  metadata: Metadata,
  deadline: number,
  signal: AbortSignal,
): Promise<ExportOutcome> {
  return new Promise((resolve) => {
    const call = client.makeUnaryRequest(
      method,
      identity,
      identity,
      // grpc-js can write nothing but a Buffer.
      Buffer.from(request.buffer, request.byteOffset, request.byteLength),
      metadata,
      { deadline },
      (error, response) => {
        signal.removeEventListener('abort', abort)
        resolve(error ? outcomeOf(error) : readExportResponse(response))
      },
    )
    const abort = (): void => call.cancel()
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort)
  })
}

function outcomeOf(error: ServiceError): ExportOutcome {
  const name = status[error.code] ?? `code ${error.code}`
  const details = readable(error.details)
  const reason = `gRPC ${name}${details ? `: ${details}` : ''}`
  if (RETRYABLE.has(error.code)) return { kind: 'retryable', reason, afterMillis: retryDelay(error) }
  if (error.code === status.RESOURCE_EXHAUSTED) {
    if (/larger than (max|limit)|too large/i.test(error.details)) return { kind: 'too-large', reason }
    const afterMillis = retryDelay(error)
    if (afterMillis !== undefined) return { kind: 'retryable', reason, afterMillis }
  }
  return { kind: 'failed', reason }
}

/** What grpc-js says without its inner workings (`round_robin: No connection established. Last error: …`), and what to look at. */
function readable(details: string): string {
  const cause = details.replace(/^.*Last error: (?:Error: )?/s, '').replace(/\.? ?Resolution note:.*$/s, '')
  if (/Protocol error|Parse Error|HTTP\/1/i.test(cause)) {
    return `${cause} (is this the port for gRPC? OTLP over HTTP has port 4318 and protocol http/protobuf)`
  }
  if (/wrong version number/i.test(cause)) {
    return 'the receiver does not speak TLS (write http:// before the endpoint)'
  }
  return cause.slice(0, 200)
}

function retryDelay(error: ServiceError): number | undefined {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? []
  return details instanceof Uint8Array ? readRetryInfo(details) : undefined
}

function channelOptions(config: ExporterConfig): ChannelOptions {
  return {
    'grpc.default_compression_algorithm':
      config.compression === 'gzip' ? compressionAlgorithms.gzip : compressionAlgorithms.identity,
    'grpc.max_send_message_length': -1,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Reconnects soon after the collector is back; how often requests are tried is for retry.ts to say.
    'grpc.initial_reconnect_backoff_ms': 500,
    'grpc.max_reconnect_backoff_ms': 5000,
    // Spreads requests over all addresses behind a `dns:///` name.
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    'grpc.service_config_disable_resolution': 1,
    'grpc.primary_user_agent': 'logbridge',
  }
}

/** `http(s)://host:port` as grpc-js names it; `dns:`, `unix:` and other targets as they are. */
function target(url: string): string {
  if (!/^https?:\/\//i.test(url)) return url
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
}

function credentials({ tls }: ExporterConfig): ChannelCredentials {
  if (tls === undefined) return ChannelCredentials.createInsecure()
  return ChannelCredentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.cert ?? null)
}

function identity(bytes: Buffer): Buffer {
  return bytes
}
