import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'

/** A request, as it stood on the wire. */
export interface ReceivedRequest {
  /** `/opentelemetry.proto.collector.logs.v1.LogsService/Export`, `/v1/logs` */
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  /** The OTLP request, decompressed. */
  readonly body: Buffer
  readonly compressed: boolean
  /** Counts connections from 1. */
  readonly connection: number
}

/** How a gRPC request is answered: as accepted, unless it says otherwise. */
export interface GrpcAnswer {
  /** A gRPC status, by its name. Default `OK`. */
  readonly code?: keyof typeof status
  /** `grpc-message` */
  readonly message?: string
  /** `grpc-status-details-bin`, see `retryInfo`. */
  readonly details?: Buffer
  /** The `ExportLogsServiceResponse`. Default: empty, full success. */
  readonly body?: Buffer
  /** HTTP's own status. Default 200; with another there is no gRPC status. */
  readonly httpStatus?: number
  /** More headers of the answer. */
  readonly headers?: http2.OutgoingHttpHeaders
  /** A code other than `OK` comes in the headers, as gRPC servers do it; else behind them. Default true. */
  readonly trailersOnly?: boolean
  /** Bytes on the wire in place of the gRPC message: garbage. */
  readonly raw?: Buffer
  /**
   * `silent`: never answers. `truncated`: the stream is reset when half the message has been sent. `reset`: the stream is
   * reset without an answer. `disconnect`: the connection is.
   */
  readonly fate?: 'silent' | 'truncated' | 'reset' | 'disconnect'
  /** GOAWAY goes out first, as from a server that shuts down with grace: requests that are on their way are still answered. */
  readonly goaway?: boolean
  /** A receiver whose answer is given back, like `http://127.0.0.1:4317`. */
  readonly forwardTo?: string
}

/** How an HTTP request is answered: as accepted, unless it says otherwise. */
export interface HttpAnswer {
  /** Default 200. */
  readonly status?: number
  readonly headers?: http.OutgoingHttpHeaders
  /** Default: empty, full success. */
  readonly body?: Buffer | string
  /** Bytes on the wire in place of an HTTP answer: garbage. The connection ends after them. */
  readonly raw?: Buffer | string
  /** `silent`: never answers. `truncated`: reset when half the body has been sent. `disconnect`: reset without an answer. */
  readonly fate?: 'silent' | 'truncated' | 'disconnect'
  /** A receiver whose answer is given back, like `http://127.0.0.1:4318`. */
  readonly forwardTo?: string
}

/** A real server on a free port of 127.0.0.1 that answers as the test tells it. */
export interface ScriptedReceiver<Answer> {
  /** `http(s)://127.0.0.1:port`; with TLS `https://localhost:port`. */
  readonly url: string
  readonly port: number
  readonly requests: ReceivedRequest[]
  /** Connections accepted so far. */
  readonly connections: number
  /** Answers the nth request, counted from 1. Set it to change it. */
  answer: (request: ReceivedRequest, n: number) => Answer | Promise<Answer>
  close(): Promise<void>
}

/** Certificate and key of the server, in PEM; with `ca` only clients with a certificate of it are served. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly ca?: string | undefined
}

/** A gRPC server for any method with one request and one answer, down at HTTP/2 so that it can break every rule. */
export async function startGrpcReceiver(tls?: ServerTls): Promise<ScriptedReceiver<GrpcAnswer>> {
  const server = tls ? http2.createSecureServer(mutual(tls)) : http2.createServer()
  const sessions = new Set<http2.ServerHttp2Session>()
  const numbers = new WeakMap<http2.Http2Session, number>()
  const receiver = await scripted<GrpcAnswer>(server, tls, () => {
    for (const session of sessions) session.destroy()
  })
  let connections = 0
  Object.defineProperty(receiver, 'connections', { get: () => connections })
  server.on('session', (session) => {
    connections += 1
    numbers.set(session, connections)
    sessions.add(session)
    session.on('error', ignore).on('close', () => sessions.delete(session))
  })
  server.on('sessionError', ignore)
  server.on('stream', async (stream, { ':path': path = '', ...headers }) => {
    stream.on('error', ignore)
    const { session } = stream
    const wire = await bytesOf(stream).catch(() => undefined)
    // It was cancelled while it was sent.
    if (wire === undefined || session === undefined || stream.destroyed) return
    // A gRPC message is a flag for compression, four bytes of length, and the content.
    const compressed = wire[0] === 1
    const content = wire.subarray(5)
    const request: ReceivedRequest = {
      path,
      headers,
      body: compressed ? gunzipSync(content) : content,
      compressed,
      connection: numbers.get(session) as number,
    }
    const answer = await receiver.answer(request, receiver.requests.push(request))
    if (stream.destroyed) return
    if (answer.goaway) session.goaway(http2.constants.NGHTTP2_NO_ERROR, 2 ** 31 - 1)
    if (answer.forwardTo) return forwardStream(stream, path, headers, wire, answer.forwardTo)
    if (answer.fate === 'silent') return
    if (answer.fate === 'reset') return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    if (answer.fate === 'disconnect') return session.destroy()
    answerStream(stream, answer)
  })
  return receiver
}

function answerStream(stream: http2.ServerHttp2Stream, answer: GrpcAnswer): void {
  const { code = 'OK', message, details, body = Buffer.alloc(0), httpStatus = 200, raw, fate } = answer
  const trailers = {
    'grpc-status': String(status[code]),
    ...(message !== undefined && { 'grpc-message': encodeURI(message) }),
    ...(details && { 'grpc-status-details-bin': details.toString('base64') }),
  }
  const headers = { ':status': httpStatus, 'content-type': 'application/grpc', ...answer.headers }
  if (httpStatus !== 200) {
    stream.respond({ ...headers, 'content-type': 'text/html' })
    return void stream.end(raw)
  }
  if (code !== 'OK' && answer.trailersOnly !== false) {
    return stream.respond({ ...headers, ...trailers }, { endStream: true })
  }
  stream.respond(headers, { waitForTrailers: true })
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  const frame = raw ?? Buffer.concat([Buffer.alloc(5), body])
  if (raw === undefined) frame.writeUInt32BE(body.length, 1)
  if (fate !== 'truncated') return void stream.end(code === 'OK' ? frame : undefined)
  stream.write(frame.subarray(0, Math.ceil(frame.length / 2)), () =>
    stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
  )
}

function forwardStream(
  stream: http2.ServerHttp2Stream,
  path: string,
  headers: http2.IncomingHttpHeaders,
  wire: Buffer,
  to: string,
): void {
  const session = http2.connect(to)
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(':') && name !== 'host')
  const forwarded = session.request({ ':method': 'POST', ':path': path, ...Object.fromEntries(own) })
  const giveUp = (): void => {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    session.destroy()
  }
  session.on('error', giveUp)
  forwarded.on('error', giveUp)
  let trailers: http2.IncomingHttpHeaders = {}
  forwarded.on('trailers', (received) => {
    trailers = received
  })
  forwarded.on('response', async (received) => {
    const body = await bytesOf(forwarded).catch(() => undefined)
    session.close()
    if (body === undefined || stream.destroyed) return
    // A refusal may come as headers alone, which then hold what trailers would.
    if (received['grpc-status'] !== undefined) return stream.respond(received, { endStream: true })
    stream.respond(received, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(body)
  })
  forwarded.end(wire)
}

/** An HTTP server that answers as it is told. */
export async function startHttpReceiver(tls?: ServerTls): Promise<ScriptedReceiver<HttpAnswer>> {
  const server = tls ? https.createServer(mutual(tls)) : http.createServer()
  const receiver = await scripted<HttpAnswer>(server, tls, () => server.closeAllConnections())
  const numbers = new WeakMap<object, number>()
  let connections = 0
  Object.defineProperty(receiver, 'connections', { get: () => connections })
  server.on(tls ? 'secureConnection' : 'connection', (socket: TLSSocket) => {
    connections += 1
    numbers.set(socket, connections)
    socket.on('error', ignore)
  })
  server.on('request', async (incoming, response) => {
    const wire = await bytesOf(incoming).catch(() => undefined)
    if (wire === undefined) return
    const compressed = incoming.headers['content-encoding'] === 'gzip'
    const request: ReceivedRequest = {
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: compressed ? gunzipSync(wire) : wire,
      compressed,
      connection: numbers.get(incoming.socket) as number,
    }
    const answer = await receiver.answer(request, receiver.requests.push(request))
    if (answer.forwardTo) return forwardRequest(response, request, wire, answer.forwardTo)
    if (answer.fate === 'silent') return
    if (answer.fate === 'disconnect') return void incoming.socket.resetAndDestroy()
    if (answer.raw !== undefined) return void incoming.socket.end(answer.raw)
    const body = Buffer.from(answer.body ?? '')
    response.writeHead(answer.status ?? 200, { 'content-length': body.length, ...answer.headers })
    if (answer.fate !== 'truncated') return void response.end(body)
    response.write(body.subarray(0, Math.ceil(body.length / 2)), () => incoming.socket.resetAndDestroy())
  })
  return receiver
}

async function forwardRequest(
  response: http.ServerResponse,
  { path, headers }: ReceivedRequest,
  wire: Buffer,
  to: string,
): Promise<void> {
  const kept = ['content-type', 'content-encoding'].filter((name) => headers[name] !== undefined)
  const answer = await fetch(new URL(path, to), {
    method: 'POST',
    headers: kept.map((name) => [name, String(headers[name])] as [string, string]),
    body: new Uint8Array(wire),
  }).catch(() => undefined)
  if (answer === undefined) return void response.destroy()
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
  response.end(Buffer.from(await answer.arrayBuffer()))
}

/** `google.rpc.Status` with a `RetryInfo`: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling */
export function retryInfo(seconds: bigint, nanos = 0n): Buffer {
  const message = (tag: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([tag, content.length]), content])
  const duration = Buffer.concat([
    Buffer.from([0x08]),
    varint(seconds),
    ...(nanos === 0n ? [] : [Buffer.from([0x10]), varint(nanos)]),
  ])
  const any = Buffer.concat([
    message(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')),
    message(0x12, message(0x0a, duration)),
  ])
  return message(0x1a, any)
}

/** Negative numbers as protobuf's int64 has them: ten bytes of two's complement. */
function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

/** `ExportLogsServiceResponse { partial_success { rejected_log_records, error_message } }` */
export function partialSuccess(rejected: bigint, message = ''): Buffer {
  const text = Buffer.from(message)
  const content = Buffer.concat([
    Buffer.from([0x08]),
    varint(rejected),
    ...(text.length === 0 ? [] : [Buffer.from([0x12, text.length]), text]),
  ])
  return Buffer.concat([Buffer.from([0x0a, content.length]), content])
}

async function scripted<Answer extends object>(
  server: http.Server | http2.Http2Server,
  tls: ServerTls | undefined,
  drop: () => void,
): Promise<ScriptedReceiver<Answer>> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    requests: [],
    connections: 0,
    answer: () => ({}) as Answer,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      drop()
      await closed
    },
  }
}

function mutual({ ca, ...pair }: ServerTls): http2.SecureServerOptions {
  return ca === undefined ? pair : { ...pair, ca, requestCert: true, rejectUnauthorized: true }
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function ignore(): void {}
