import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'

/** Request as received. */
export interface ReceivedRequest {
  /** Path, such as `/opentelemetry.proto.collector.logs.v1.LogsService/Export` or `/v1/logs`. */
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  /** Decompressed OTLP request. */
  readonly body: Buffer
  readonly compressed: boolean
  /** Number of the connection, from 1. */
  readonly connection: number
}

/** Answer to a gRPC request. `{}` accepts the request. */
export interface GrpcAnswer {
  /**
   * Name of a gRPC status.
   *
   * @default 'OK'
   */
  readonly code?: keyof typeof status
  /** Value of `grpc-message`. */
  readonly message?: string
  /** Value of `grpc-status-details-bin`, see `retryInfo`. */
  readonly details?: Buffer
  /**
   * ExportLogsServiceResponse.
   *
   * @default an empty message, which is full success
   */
  readonly body?: Buffer
  /**
   * HTTP status. An answer with another status than 200 has no gRPC status.
   *
   * @default 200
   */
  readonly httpStatus?: number
  /** Further headers of the answer. */
  readonly headers?: http2.OutgoingHttpHeaders
  /**
   * Sends a code other than `OK` in the headers, like gRPC servers, instead of in trailers.
   *
   * @default true
   */
  readonly trailersOnly?: boolean
  /** Malformed bytes to send instead of the gRPC message. */
  readonly raw?: Buffer
  /**
   * Fault of the answer. `silent` never answers, `truncated` resets the stream after half of the message, `reset` resets the
   * stream without an answer, `disconnect` closes the connection.
   */
  readonly fault?: 'silent' | 'truncated' | 'reset' | 'disconnect'
  /** Sends GOAWAY first, like a graceful shutdown: requests in flight are still answered. */
  readonly goaway?: boolean
  /** URL of a receiver whose answer is returned, such as `http://127.0.0.1:4317`. */
  readonly forwardTo?: string
}

/** Answer to an HTTP request. `{}` accepts the request. */
export interface HttpAnswer {
  /** @default 200 */
  readonly status?: number
  readonly headers?: http.OutgoingHttpHeaders
  /** @default an empty body, which is full success */
  readonly body?: Buffer | string
  /** Malformed bytes to send instead of an HTTP answer, before the connection ends. */
  readonly raw?: Buffer | string
  /**
   * Fault of the answer. `silent` never answers, `truncated` resets after half of the body, `disconnect` resets without an answer.
   */
  readonly fault?: 'silent' | 'truncated' | 'disconnect'
  /** URL of a receiver whose answer is returned, such as `http://127.0.0.1:4318`. */
  readonly forwardTo?: string
}

/** Server on a free port of 127.0.0.1 whose answers the test sets. */
export interface ScriptedReceiver<Answer> {
  /** URL `http://127.0.0.1:port`, or `https://localhost:port` with TLS. */
  readonly url: string
  readonly port: number
  readonly requests: ReceivedRequest[]
  /** Number of accepted connections. */
  readonly connections: number
  /** Answers the nth request, from 1. Assign another function to change the answers. */
  answer: (request: ReceivedRequest, n: number) => Answer | Promise<Answer>
  close(): Promise<void>
}

/** Certificate and key of the server in PEM. With `ca`, clients need a certificate of that authority. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
  readonly ca?: string | undefined
}

/** Starts a gRPC server for unary calls, on bare HTTP/2 so that it can violate the protocol. */
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
    // The sender cancelled the request.
    if (wire === undefined || session === undefined || stream.destroyed) return
    // A gRPC message has a compression flag, four bytes of length, and the content.
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
    if (answer.fault === 'silent') return
    if (answer.fault === 'reset') return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
    if (answer.fault === 'disconnect') return session.destroy()
    answerStream(stream, answer)
  })
  return receiver
}

function answerStream(stream: http2.ServerHttp2Stream, answer: GrpcAnswer): void {
  const { code = 'OK', message, details, body = Buffer.alloc(0), httpStatus = 200, raw, fault } = answer
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
  if (fault !== 'truncated') return void stream.end(code === 'OK' ? frame : undefined)
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
  const fail = (): void => {
    stream.close(http2.constants.NGHTTP2_REFUSED_STREAM)
    session.destroy()
  }
  session.on('error', fail)
  forwarded.on('error', fail)
  let trailers: http2.IncomingHttpHeaders = {}
  forwarded.on('trailers', (received) => {
    trailers = received
  })
  forwarded.on('response', async (received) => {
    const body = await bytesOf(forwarded).catch(() => undefined)
    session.close()
    if (body === undefined || stream.destroyed) return
    // An error answer may have headers alone, with the fields of the trailers.
    if (received['grpc-status'] !== undefined) return stream.respond(received, { endStream: true })
    stream.respond(received, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(body)
  })
  forwarded.end(wire)
}

/** Starts an HTTP server. */
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
    if (answer.fault === 'silent') return
    if (answer.fault === 'disconnect') return void incoming.socket.resetAndDestroy()
    if (answer.raw !== undefined) return void incoming.socket.end(answer.raw)
    const body = Buffer.from(answer.body ?? '')
    response.writeHead(answer.status ?? 200, { 'content-length': body.length, ...answer.headers })
    if (answer.fault !== 'truncated') return void response.end(body)
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

/** Encodes google.rpc.Status with RetryInfo: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc-throttling */
export function retryInfo(seconds: bigint, nanos = 0n): Buffer {
  const any = Buffer.concat([
    field(0x0a, Buffer.from('type.googleapis.com/google.rpc.RetryInfo')),
    field(0x12, retryDelay(seconds, nanos)),
  ])
  return field(0x1a, any)
}

/** Encodes google.rpc.RetryInfo. */
export function retryDelay(seconds: bigint, nanos = 0n): Buffer {
  const duration = Buffer.concat([
    Buffer.from([0x08]),
    varint(seconds),
    ...(nanos === 0n ? [] : [Buffer.from([0x10]), varint(nanos)]),
  ])
  return field(0x0a, duration)
}

function field(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}

/** Encodes an int64 of protobuf. A negative number has ten bytes in two's complement. */
function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, value)
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

/** Encodes an ExportLogsServiceResponse with `partial_success { rejected_log_records, error_message }`. */
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
