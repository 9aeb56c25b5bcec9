import { EventEmitter } from 'node:events'
import { decodeRequest, type ExportRequests, type Signal } from './decode.ts'
import { ViewerError } from './errors.ts'
import { listenGrpc } from './grpc.ts'
import { listenHttp } from './http.ts'
import type { RequestSink } from './listener.ts'
import { countLogRecords, toLogRecords } from './logs.ts'
import { countDataPoints, toMetrics } from './metrics.ts'
import type { ReceivedLogRecord, ReceivedMetric, ReceivedSpan } from './model.ts'
import { countSpans, toSpans } from './spans.ts'
import { counted } from './text.ts'

export interface ViewerOptions {
  /**
   * Address to listen on. With the default, only programs on this machine can connect.
   *
   * @default '127.0.0.1'
   */
  host?: string
  /**
   * Port of OTLP/gRPC; 0 for any free port.
   *
   * @default 4317
   */
  grpcPort?: number
  /**
   * Port of OTLP/HTTP; 0 for any free port.
   *
   * @default 4318
   */
  httpPort?: number
  /**
   * Largest request in bytes, both as sent and decompressed. The decoded request may take 24 times as much memory, estimated
   * from its bytes. The default is that of the OpenTelemetry Collector's gRPC receiver.
   *
   * @default 4_194_304 (4 MiB)
   */
  maxMessageBytes?: number
}

/** Counters since the start of the viewer. */
export interface ViewerCounts {
  logRecords: number
  spans: number
  /** Data points of all metrics. */
  dataPoints: number
  /** Accepted export requests of each signal. */
  requests: { logs: number; traces: number; metrics: number }
  /**
   * Requests that were answered with an error. A gRPC message over the size limit is missing here, because grpc-js refuses it
   * first.
   */
  refused: number
}

export interface ViewerEvents {
  logs: [records: ReceivedLogRecord[]]
  spans: [spans: ReceivedSpan[]]
  metrics: [metrics: ReceivedMetric[]]
}

/**
 * Running receiver. Emits one event for each accepted request, before the sender gets its answer. Builds records only when the
 * event has a listener.
 */
export interface Viewer extends EventEmitter<ViewerEvents> {
  readonly grpcPort: number
  readonly httpPort: number
  /** Value for OTEL_EXPORTER_OTLP_ENDPOINT with gRPC, such as `http://127.0.0.1:4317`. */
  readonly grpcUrl: string
  /** Value for OTEL_EXPORTER_OTLP_ENDPOINT with HTTP, such as `http://127.0.0.1:4318`. */
  readonly httpUrl: string
  readonly counts: Readonly<ViewerCounts>
  /**
   * Resolves when `condition` returns true. Calls `condition` at once and after each request.
   *
   * @param timeoutMillis longest wait in milliseconds
   * @default timeoutMillis 10_000
   * @throws ViewerError `TIMEOUT`, with the counters in its message, or `CLOSED`
   * @example await viewer.waitFor(({ counts }) => counts.logRecords >= 3)
   */
  waitFor(condition: (viewer: Viewer) => boolean, timeoutMillis?: number): Promise<void>
  /** Stops listening and gives requests in progress one second to finish. Can be called twice. */
  close(): Promise<void>
}

interface Waiter {
  check(): void
  cancel(): void
}

/**
 * Starts an OTLP receiver over gRPC and HTTP (protobuf and JSON) for logs, traces, and metrics.
 *
 * @throws ViewerError `INVALID_OPTION`, `PORT_IN_USE` or `LISTEN_FAILED`
 * @example const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
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
  const sink: RequestSink = {
    accept(signal, encoding, bytes) {
      const request = decodeRequest(signal, encoding, bytes, maxMessageBytes)
      counts.requests[signal] += 1
      countAndEmit[signal](request as never, counts, events)
      for (const waiter of waiters) waiter.check()
    },
    countRefused() {
      counts.refused += 1
      for (const waiter of waiters) waiter.check()
    },
  }

  const grpc = await listenGrpc(sink, { host, port: grpcPort, maxMessageBytes })
  const http = await listenHttp(sink, { host, port: httpPort, maxMessageBytes }).catch(
    async (error: unknown) => {
      await grpc.close()
      throw error
    },
  )

  let closed: Promise<void> | undefined
  const viewer: Viewer = Object.assign(events, {
    grpcPort: grpc.port,
    httpPort: http.port,
    grpcUrl: urlOf(host, grpc.port),
    httpUrl: urlOf(host, http.port),
    counts,
    waitFor(condition: (viewer: Viewer) => boolean, timeoutMillis = 10_000) {
      const met = waitFor(viewer, waiters, condition, timeoutMillis)
      if (closed) for (const waiter of waiters) waiter.cancel()
      return met
    },
    close: () => (closed ??= closeAll()),
  })
  return viewer

  async function closeAll(): Promise<void> {
    await Promise.all([grpc.close(), http.close()])
    for (const waiter of waiters) waiter.cancel()
  }
}

/** Counts the records of a request, and builds them when their event has a listener. */
const countAndEmit: {
  [S in Signal]: (
    request: ExportRequests[S],
    counts: ViewerCounts,
    events: EventEmitter<ViewerEvents>,
  ) => void
} = {
  logs(request, counts, events) {
    counts.logRecords += countLogRecords(request)
    if (events.listenerCount('logs') > 0) emitSafely(() => events.emit('logs', toLogRecords(request)))
  },
  traces(request, counts, events) {
    counts.spans += countSpans(request)
    if (events.listenerCount('spans') > 0) emitSafely(() => events.emit('spans', toSpans(request)))
  },
  metrics(request, counts, events) {
    counts.dataPoints += countDataPoints(request)
    if (events.listenerCount('metrics') > 0) emitSafely(() => events.emit('metrics', toMetrics(request)))
  },
}

/** Rethrows a listener's error as an uncaught exception, so that the sender still gets its answer. */
function emitSafely(emit: () => void): void {
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
          if (condition(viewer)) finish(resolve)
        } catch (error) {
          finish(() => reject(error))
        }
      },
      cancel() {
        finish(() =>
          reject(new ViewerError('CLOSED', `The viewer was closed. ${describeReceived(viewer.counts)}`)),
        )
      },
    }
    const timer = setTimeout(() => {
      const message = `The condition was still false after ${timeoutMillis} ms. ${describeReceived(viewer.counts)}`
      finish(() => reject(new ViewerError('TIMEOUT', message)))
    }, timeoutMillis)
    const finish = (resolveOrReject: () => void) => {
      clearTimeout(timer)
      waiters.delete(waiter)
      resolveOrReject()
    }
    waiters.add(waiter)
    waiter.check()
  })
}

/** Returns, for example, `Received 12 log records, 1 span, 0 data points; refused 0 requests`. */
export function describeReceived({
  logRecords,
  spans,
  dataPoints,
  refused,
}: Omit<ViewerCounts, 'requests'>): string {
  const received = [
    counted(logRecords, 'log record'),
    counted(spans, 'span'),
    counted(dataPoints, 'data point'),
  ]
  return `Received ${received.join(', ')}; refused ${counted(refused, 'request')}`
}

/** Builds the URL to send to. A wildcard address becomes the loopback address, because clients cannot send to a wildcard. */
export function urlOf(host: string, port: number): string {
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
