import { EventEmitter } from 'node:events'
import { decodeRequest, type ExportRequests, type Signal } from './decode.ts'
import { ViewerError } from './errors.ts'
import { listenGrpc } from './grpc.ts'
import { listenHttp } from './http.ts'
import type { Intake } from './listener.ts'
import { countLogRecords, toLogRecords } from './logs.ts'
import { countDataPoints, toMetrics } from './metrics.ts'
import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan } from './model.ts'
import { countSpans, toSpans } from './spans.ts'

export interface ViewerOptions {
  /** Address to listen on. Default `127.0.0.1`: nothing outside this machine can connect. */
  host?: string
  /** Port of OTLP/gRPC, 0 for any free one. Default 4317. */
  grpcPort?: number
  /** Port of OTLP/HTTP, 0 for any free one. Default 4318. */
  httpPort?: number
  /**
   * Largest request in bytes, both as sent and decompressed. Decoded, a request may take 8 times that in memory, as
   * estimated from its bytes. Default 4,194,304 (4 MiB), as with the OpenTelemetry Collector's gRPC receiver.
   */
  maxMessageBytes?: number
}

/** What arrived since the start. */
export interface ViewerCounts {
  logRecords: number
  spans: number
  /** Data points of all metrics. */
  dataPoints: number
  /** Export requests that were accepted, for each signal. */
  requests: { logs: number; traces: number; metrics: number }
  /**
   * Requests that were answered with an error. A gRPC message over the size limit is refused before it gets here and
   * is not counted.
   */
  refused: number
}

export interface ViewerEvents {
  logs: [records: ReceivedLogRecord[]]
  spans: [spans: ReceivedSpan[]]
  metrics: [metrics: ReceivedMetric[]]
}

/**
 * A running receiver. Each accepted request is one event, emitted before the sender gets its answer; records are built
 * only when somebody listens.
 */
export interface Viewer extends EventEmitter<ViewerEvents> {
  readonly grpcPort: number
  readonly httpPort: number
  /** For OTEL_EXPORTER_OTLP_ENDPOINT with gRPC, like `http://127.0.0.1:4317`. */
  readonly grpcUrl: string
  /** For OTEL_EXPORTER_OTLP_ENDPOINT with HTTP, like `http://127.0.0.1:4318`. */
  readonly httpUrl: string
  readonly counts: Readonly<ViewerCounts>
  /**
   * Resolves when the condition holds, which is asked now and after each request.
   *
   * @param timeoutMillis default 10,000
   * @throws ViewerError `TIMEOUT`, with the counters in its message, or `CLOSED`
   */
  waitFor(condition: (viewer: Viewer) => boolean, timeoutMillis?: number): Promise<void>
  /** Stops listening; requests in progress have a second to finish. Safe to call twice. */
  close(): Promise<void>
}

interface Waiter {
  check(): void
  cancel(): void
}

/**
 * Starts an OTLP receiver: gRPC and HTTP (protobuf and JSON), for logs, traces and metrics.
 *
 * @throws ViewerError `INVALID_OPTION`, `PORT_IN_USE` or `LISTEN_FAILED`
 */
export async function startViewer(options: ViewerOptions = {}): Promise<Viewer> {
  const { host = '127.0.0.1', grpcPort = 4317, httpPort = 4318, maxMessageBytes = 4 * 1024 * 1024 } = options
  checkInteger('grpcPort', grpcPort, 0, 65_535)
  checkInteger('httpPort', httpPort, 0, 65_535)
  checkInteger('maxMessageBytes', maxMessageBytes, 1, 2 ** 31 - 1)

  const events = new EventEmitter<ViewerEvents>()
  const counts: ViewerCounts = {
    logRecords: 0,
    spans: 0,
    dataPoints: 0,
    requests: { logs: 0, traces: 0, metrics: 0 },
    refused: 0,
  }
  const waiters = new Set<Waiter>()
  const intake: Intake = {
    accept(signal, encoding, bytes) {
      const request = decodeRequest(signal, encoding, bytes, maxMessageBytes)
      counts.requests[signal] += 1
      deliver[signal](request as never, counts, events)
      for (const waiter of waiters) waiter.check()
    },
    refuse() {
      counts.refused += 1
      for (const waiter of waiters) waiter.check()
    },
  }

  const grpc = await listenGrpc(intake, { host, port: grpcPort, maxMessageBytes })
  const http = await listenHttp(intake, { host, port: httpPort, maxMessageBytes }).catch(
    async (error: unknown) => {
      await grpc.close()
      throw error
    },
  )

  let closed: Promise<void> | undefined
  const viewer: Viewer = Object.assign(events, {
    grpcPort: grpc.port,
    httpPort: http.port,
    grpcUrl: url(host, grpc.port),
    httpUrl: url(host, http.port),
    counts,
    waitFor: (condition: (viewer: Viewer) => boolean, timeoutMillis = 10_000) =>
      waitFor(viewer, waiters, condition, timeoutMillis),
    close: () => (closed ??= closeAll()),
  })
  return viewer

  async function closeAll(): Promise<void> {
    await Promise.all([grpc.close(), http.close()])
    for (const waiter of waiters) waiter.cancel()
  }
}

/** Counts a request and builds its records, the latter only for a listener. */
const deliver: {
  [S in Signal]: (
    request: ExportRequests[S],
    counts: ViewerCounts,
    events: EventEmitter<ViewerEvents>,
  ) => void
} = {
  logs(request, counts, events) {
    counts.logRecords += countLogRecords(request)
    if (events.listenerCount('logs') > 0) safely(() => events.emit('logs', toLogRecords(request)))
  },
  traces(request, counts, events) {
    counts.spans += countSpans(request)
    if (events.listenerCount('spans') > 0) safely(() => events.emit('spans', toSpans(request)))
  },
  metrics(request, counts, events) {
    counts.dataPoints += countDataPoints(request)
    if (events.listenerCount('metrics') > 0) safely(() => events.emit('metrics', toMetrics(request)))
  },
}

/** A listener's error is no fault of the sender: it surfaces as an uncaught exception, and the request is answered. */
function safely(emit: () => void): void {
  try {
    emit()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

function waitFor(
  viewer: Viewer,
  waiters: Set<Waiter>,
  condition: (viewer: Viewer) => boolean,
  timeoutMillis: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter = {
      check() {
        try {
          if (condition(viewer)) settle(resolve)
        } catch (error) {
          settle(() => reject(error))
        }
      },
      cancel() {
        settle(() => reject(new ViewerError('CLOSED', `The viewer was closed. ${received(viewer.counts)}`)))
      },
    }
    const timer = setTimeout(() => {
      const message = `The condition did not hold after ${timeoutMillis} ms. ${received(viewer.counts)}`
      settle(() => reject(new ViewerError('TIMEOUT', message)))
    }, timeoutMillis)
    const settle = (conclude: () => void) => {
      clearTimeout(timer)
      waiters.delete(waiter)
      conclude()
    }
    waiters.add(waiter)
    waiter.check()
  })
}

function received({ logRecords, spans, dataPoints, refused }: ViewerCounts): string {
  return `Received: ${logRecords} log records, ${spans} spans, ${dataPoints} data points; ${refused} requests refused`
}

/** A wildcard is an address to listen on, not one to send to. */
function url(host: string, port: number): string {
  const address = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`
}

function checkInteger(option: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new ViewerError(
      'INVALID_OPTION',
      `${option} must be an integer from ${min} to ${max}, not ${value}`,
    )
  }
}
