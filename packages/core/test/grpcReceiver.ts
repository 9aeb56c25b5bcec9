import { type handleUnaryCall, type Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'

export interface GrpcReceiver {
  readonly url: string
  readonly requests: { method: string; metadata: Metadata; body: Buffer }[]
  /** How the first requests to each service end; later ones are accepted. */
  readonly failures: (keyof typeof status)[]
  /** Does not answer at all. */
  silent: boolean
  close(): void
}

const METHODS = ['logs.v1.LogsService', 'trace.v1.TraceService', 'metrics.v1.MetricsService'].map(
  (service) => `/opentelemetry.proto.collector.${service}/Export`,
)

/** A gRPC server that shows what a receiver does not: metadata; and that fails when it is told to. */
export async function startGrpcReceiver(
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<GrpcReceiver> {
  const server = new Server()
  const identity = (bytes: Buffer): Buffer => bytes
  for (const method of METHODS) {
    let seen = 0
    const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      receiver.requests.push({ method, metadata: call.metadata, body: call.request })
      if (receiver.silent) return
      const failure = receiver.failures[seen]
      seen += 1
      if (failure === undefined) callback(null, Buffer.alloc(0))
      else callback({ code: status[failure], details: 'told to fail' })
    }
    server.register(method, handle, identity, identity, 'unary')
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  const receiver: GrpcReceiver = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    failures: [],
    silent: false,
    close: () => server.forceShutdown(),
  }
  return receiver
}
