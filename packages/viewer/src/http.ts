import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
// Imports the namespace, because Node.js before 22.15 has no zstd: the command then still starts and reports the version.
import * as zlib from 'node:zlib'
import { encodeStatus, type Encoding, type Signal } from './decode.ts'
import { listenError, ViewerError } from './errors.ts'
import { createHostCheck } from './host.ts'
import type { Listener, ListenOptions, RequestSink } from './listener.ts'
import { TooLargeError } from './memory.ts'

const signals = new Map<string, Signal>([
  ['/v1/logs', 'logs'],
  ['/v1/traces', 'traces'],
  ['/v1/metrics', 'metrics'],
])

const encodings = new Map<string, Encoding>([
  ['application/x-protobuf', 'protobuf'],
  ['application/json', 'json'],
])
const contentTypes: Record<Encoding, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}

/** An Export*ServiceResponse without a partial success has no fields. */
const emptyResponse: Record<Encoding, string> = { protobuf: '', json: '{}' }

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>
const decompressors = new Map<string, Decompress>([
  ['gzip', promisify<Uint8Array, object, Buffer>(zlib.gunzip)],
  ['deflate', promisify<Uint8Array, object, Buffer>(zlib.inflate)],
  ['br', promisify<Uint8Array, object, Buffer>(zlib.brotliDecompress)],
  ['zstd', (bytes, options) => promisify<Uint8Array, object, Buffer>(zlib.zstdDecompress)(bytes, options)],
])

/** Values of google.rpc.Code by HTTP status. Every other status is INVALID_ARGUMENT. */
const codes = new Map([
  [413, 8 /* RESOURCE_EXHAUSTED */],
  [503, 14 /* UNAVAILABLE */],
])
const INVALID_ARGUMENT = 3

/** Longest time that a sender may take for one request. */
const requestTimeoutMillis = 30_000

/** Largest number of bodies of `maxMessageBytes` that wait in memory to be decoded. */
const maxBufferedBodies = 8

/** Longest time that `close` waits for requests in progress. */
const closeTimeoutMillis = 1000

/** Error that is answered with an HTTP status. */
class HttpError extends Error {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

export async function listenHttp(sink: RequestSink, options: ListenOptions): Promise<Listener> {
  const { host, port, maxMessageBytes } = options
  const isAllowedHost = createHostCheck(host, options.allowedHosts)
  const bodies = createBodyReader(maxMessageBytes)
  const runInOrder = createTaskQueue()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = encodings.get(mediaType(request))
    try {
      const { host: hosts } = request.headersDistinct
      if (hosts?.length !== 1 || !isAllowedHost(hosts[0])) {
        throw new HttpError(421, `The Host header must name this viewer; send to localhost`)
      }
      if (allowOrigin(request, response, options.allowedOrigins ?? [])) return
      const signal = signalOf(request)
      if (encoding === undefined) {
        throw new HttpError(415, 'The content type must be application/x-protobuf or application/json')
      }
      const sent = await bodies.read(request)
      // A sink can hand the bytes to a thread, which leaves none here.
      const sentBytes = sent.length
      try {
        // Requests are decompressed and decoded one at a time, to bound the memory of all of them by the memory of one.
        await runInOrder(async () => {
          const body = await decompress(request, sent, maxMessageBytes)
          await accept(sink, signal, encoding, body)
        })
      } finally {
        bodies.release(sentBytes)
      }
      response.writeHead(200, { 'content-type': contentTypes[encoding] })
      response.end(emptyResponse[encoding])
    } catch (error) {
      // Any other error is a connection that broke while its body was read, so there is no one to answer.
      if (error instanceof HttpError) {
        sink.countRefused()
        refuse(response, encoding, error)
      }
    }
  }

  const server = createServer({ requestTimeout: requestTimeoutMillis }, (request, response) => {
    void answer(request, response)
  })
  await bind(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () => close(server),
  }
}

async function accept(sink: RequestSink, signal: Signal, encoding: Encoding, body: Buffer): Promise<void> {
  try {
    await sink.accept(signal, encoding, body)
  } catch (cause) {
    throw new HttpError(statusOf(cause), (cause as Error).message)
  }
}

/** Returns 503, after which the sender tries again, when the store has no room or is locked. */
function statusOf(error: unknown): number {
  if (error instanceof TooLargeError) return 413
  return error instanceof ViewerError ? 503 : 400
}

/**
 * Allows a page of an allowed origin to send, and answers its preflight.
 *
 * @returns true when the request was answered
 */
function allowOrigin(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[],
): boolean {
  const { origin } = request.headers
  if (origin === undefined || !allowed.includes(origin)) return false
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('vary', 'origin')
  if (request.method !== 'OPTIONS') return false
  response.writeHead(204, {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type',
    'access-control-max-age': '600',
  })
  response.end()
  return true
}

/** Creates a function that runs one task at a time, in the order of its calls. */
function createTaskQueue(): (task: () => Promise<void>) => Promise<void> {
  let last = Promise.resolve()
  return (task) => {
    const run = last.then(task)
    last = run.catch(() => {})
    return run
  }
}

function signalOf(request: IncomingMessage): Signal {
  const path = request.url?.split('?', 1)[0] ?? ''
  const signal = signals.get(path)
  if (signal === undefined) {
    throw new HttpError(404, `This path is unknown; send to ${[...signals.keys()].join(', ')}`)
  }
  if (request.method !== 'POST') throw new HttpError(405, 'Send with POST', { allow: 'POST' })
  return signal
}

function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

interface BodyReader {
  /** Reads a whole body, which counts as buffered until `release`. */
  read(request: IncomingMessage): Promise<Buffer>
  release(bytes: number): void
}

function createBodyReader(maxMessageBytes: number): BodyReader {
  const maxBufferedBytes = maxMessageBytes * maxBufferedBodies
  let bufferedBytes = 0
  const tooLarge = (): HttpError =>
    new HttpError(413, `The request is too large: over ${maxMessageBytes} bytes`)
  const release = (bytes: number): void => void (bufferedBytes -= bytes)

  async function read(request: IncomingMessage): Promise<Buffer> {
    const contentLength = Number(request.headers['content-length'] ?? 0)
    if (contentLength > maxMessageBytes) throw tooLarge()
    // Chunks are copied into one buffer, because a Buffer object of one byte takes some hundred bytes of memory.
    let body: Buffer = Buffer.alloc(0)
    let size = 0
    try {
      // The iterator keeps the socket open when the loop ends early, because the answer needs the socket. Node.js discards the
      // rest of the body, so the sender finishes and reads the answer.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += chunk.length
        bufferedBytes += chunk.length
        if (size > maxMessageBytes) throw tooLarge()
        if (bufferedBytes > maxBufferedBytes) {
          throw new HttpError(503, 'Too many requests at the same time', { 'retry-after': '1' })
        }
        if (size > body.length) body = growBuffer(body, Math.max(size, contentLength))
        chunk.copy(body, size - chunk.length)
      }
      return body.subarray(0, size)
    } catch (error) {
      release(size)
      throw error
    }
  }
  return { read, release }
}

/** Copies `buffer` into one of at least `size` bytes and at least twice its length. */
function growBuffer(buffer: Buffer, size: number): Buffer {
  const larger = Buffer.alloc(Math.max(size, buffer.length * 2))
  buffer.copy(larger)
  return larger
}

/** Decompresses a body. Stops at `maxMessageBytes`, so that a small body cannot exhaust the memory. */
async function decompress(request: IncomingMessage, body: Buffer, maxMessageBytes: number): Promise<Buffer> {
  const name = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  const decompressor = decompressors.get(name)
  if (decompressor === undefined) {
    throw new HttpError(415, `The content encoding must be one of ${[...decompressors.keys()].join(', ')}`)
  }
  try {
    return await decompressor(body, { maxOutputLength: maxMessageBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new HttpError(413, `The request is too large: it expands to more than ${maxMessageBytes} bytes`)
    }
    throw new HttpError(400, `The body is not ${name}: ${(cause as Error).message}`)
  }
}

/**
 * Answers with a google.rpc.Status in the encoding of the request, or with plain text when the request has no known encoding.
 * https://opentelemetry.io/docs/specs/otlp/#failures
 */
function refuse(response: ServerResponse, encoding: Encoding | undefined, error: HttpError): void {
  response.writeHead(error.status, {
    'content-type': encoding === undefined ? 'text/plain; charset=utf-8' : contentTypes[encoding],
    ...error.headers,
  })
  response.end(
    encoding === undefined
      ? `${error.message}\n`
      : encodeStatus(encoding, codes.get(error.status) ?? INVALID_ARGUMENT, error.message),
  )
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(listenError(error, { protocol: 'OTLP/HTTP', host, port, option: 'httpPort' }))
    })
    server.listen({ host, port }, resolve)
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMillis)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
  })
}
