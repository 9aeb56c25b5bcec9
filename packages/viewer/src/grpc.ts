import type { Signal } from './decode.ts'
import { listenError, ViewerError } from './errors.ts'
import { createHostCheck } from './host.ts'
import type { Listener, ListenOptions, RequestSink } from './listener.ts'
import { TooLargeError } from './memory.ts'
import { grpc } from './vendor/grpc.ts'

const paths: Record<Signal, string> = {
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
}

/** An Export*ServiceResponse without a partial success has no fields. */
const emptyResponse = Buffer.alloc(0)

/** Concurrent calls of one connection. Further calls wait at the sender. */
const maxConcurrentCalls = 8

/** Longest time that `close` waits for calls in progress. */
const closeTimeoutMillis = 1000

export async function listenGrpc(sink: RequestSink, options: ListenOptions): Promise<Listener> {
  const { host, port, maxMessageBytes } = options
  const isAllowedHost = createHostCheck(host, options.allowedHosts)
  const server = new grpc.Server({
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_concurrent_streams': maxConcurrentCalls,
  })
  for (const signal of Object.keys(paths) as Signal[]) {
    server.addService(
      { Export: exportMethod(signal) },
      { Export: exportHandler(sink, signal, isAllowedHost) },
    )
  }
  return {
    port: await bind(server, host, port),
    close: () => close(server),
  }
}

function exportMethod(signal: Signal): grpc.MethodDefinition<Buffer, Buffer> {
  return {
    path: paths[signal],
    requestStream: false,
    responseStream: false,
    // The bytes are decoded later, because grpc-js answers INTERNAL for a decoding error, which some senders retry.
    requestSerialize: (bytes) => bytes,
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  }
}

function exportHandler(
  sink: RequestSink,
  signal: Signal,
  isAllowedHost: (host: string) => boolean,
): grpc.handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => void answer(call, callback)

  async function answer(
    call: grpc.ServerUnaryCall<Buffer, Buffer>,
    callback: grpc.sendUnaryData<Buffer>,
  ): Promise<void> {
    const { PERMISSION_DENIED } = grpc.status
    if (!isAllowedHost(call.getHost())) {
      sink.countRefused()
      callback({ code: PERMISSION_DENIED, details: `The authority must name this viewer` })
      return
    }
    try {
      await sink.accept(signal, 'protobuf', call.request)
    } catch (error) {
      sink.countRefused()
      callback({ code: codeOf(error), details: (error as Error).message })
      return
    }
    callback(null, emptyResponse)
  }
}

/** Returns UNAVAILABLE, after which the sender tries again, when the store has no room or is locked. */
function codeOf(error: unknown): number {
  const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE } = grpc.status
  if (error instanceof TooLargeError) return RESOURCE_EXHAUSTED
  return error instanceof ViewerError ? UNAVAILABLE : INVALID_ARGUMENT
}

function bind(server: grpc.Server, host: string, port: number): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error) reject(listenError(error, { protocol: 'OTLP/gRPC', host, port, option: 'grpcPort' }))
      else resolve(boundPort)
    })
  })
}

function close(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), closeTimeoutMillis)
    server.tryShutdown(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
