import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
// By namespace: an older Node.js has no zstd, and must get as far as to be told that it is too old.
import * as zlib from 'node:zlib'
import { encodeStatus, type Encoding, type Signal } from './decode.ts'
import { listenError } from './errors.ts'
import { createHostCheck } from './host.ts'
import type { Intake, Listener, ListenOptions } from './listener.ts'
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

/** The google.rpc.Code of each HTTP status that is not about what was sent being wrong. */
const codes = new Map([
  [413, 8 /* RESOURCE_EXHAUSTED */],
  [503, 14 /* UNAVAILABLE */],
])
const INVALID_ARGUMENT = 3

/** How long a sender may take for one request. */
const requestTimeoutMillis = 30_000

/** Requests of the largest size whose bodies are held at the same time, until their turn comes. */
const maxBodiesHeld = 8

/** How long a request in progress may hold up `close`. */
const closeTimeoutMillis = 1000

/** A request that is answered with an error status. */
class Refusal extends Error {
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

export async function listenHttp(intake: Intake, options: ListenOptions): Promise<Listener> {
  const { host, port, maxMessageBytes } = options
  const isOurHost = createHostCheck(host)
  const bodies = createBodyReader(maxMessageBytes)
  const inTurn = createQueue()

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const encoding = encodings.get(mediaType(request))
    try {
      const { host: hosts } = request.headersDistinct
      if (hosts?.length !== 1 || !isOurHost(hosts[0])) {
        throw new Refusal(421, `The Host header is not one of this viewer; send to localhost`)
      }
      const signal = signalOf(request)
      if (encoding === undefined) {
        throw new Refusal(415, 'The content type must be application/x-protobuf or application/json')
      }
      const sent = await bodies.read(request)
      try {
        // One at a time is decompressed and decoded, so that the memory of one is that of all.
        await inTurn(async () => {
          const body = await decompress(request, sent, maxMessageBytes)
          accept(intake, signal, encoding, body)
        })
      } finally {
        bodies.release(sent.length)
      }
      response.writeHead(200, { 'content-type': contentTypes[encoding] })
      response.end(emptyResponse[encoding])
    } catch (error) {
      // What is not a refusal is a connection that broke while the body was read: nobody is left to answer.
      if (error instanceof Refusal) {
        intake.refuse()
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

function accept(intake: Intake, signal: Signal, encoding: Encoding, body: Buffer): void {
  try {
    intake.accept(signal, encoding, body)
  } catch (cause) {
    throw new Refusal(cause instanceof TooLargeError ? 413 : 400, (cause as Error).message)
  }
}

/** Runs one task at a time, in the order in which they came. */
function createQueue(): (task: () => Promise<void>) => Promise<void> {
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
    throw new Refusal(404, `Nothing is received at this path; send to ${[...signals.keys()].join(', ')}`)
  }
  if (request.method !== 'POST') throw new Refusal(405, 'Send with POST', { allow: 'POST' })
  return signal
}

function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

interface BodyReader {
  /** Resolves with a whole body, which counts as held until it is released. */
  read(request: IncomingMessage): Promise<Buffer>
  release(bytes: number): void
}

function createBodyReader(maxMessageBytes: number): BodyReader {
  const maxHeldBytes = maxMessageBytes * maxBodiesHeld
  let held = 0
  const tooLarge = (): Refusal => new Refusal(413, `The request is too large: over ${maxMessageBytes} bytes`)
  const release = (bytes: number): void => void (held -= bytes)

  async function read(request: IncomingMessage): Promise<Buffer> {
    const announced = Number(request.headers['content-length'] ?? 0)
    if (announced > maxMessageBytes) throw tooLarge()
    // One buffer, because a chunk of one byte would take some hundred bytes of memory.
    let body: Buffer = Buffer.alloc(0)
    let size = 0
    try {
      // The request is not destroyed when the loop is left early: its socket is still needed for the answer, and Node
      // reads and forgets the rest of a body, so that the sender gets to it.
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += chunk.length
        held += chunk.length
        if (size > maxMessageBytes) throw tooLarge()
        if (held > maxHeldBytes) {
          throw new Refusal(503, 'Too many requests at the same time', { 'retry-after': '1' })
        }
        if (size > body.length) body = grown(body, Math.max(size, announced))
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

/** A copy of `buffer` with room for `size` bytes, and for as many again as it had. */
function grown(buffer: Buffer, size: number): Buffer {
  const larger = Buffer.alloc(Math.max(size, buffer.length * 2))
  buffer.copy(larger)
  return larger
}

/** Decompression stops at the limit, so a small body cannot expand into all of the memory. */
async function decompress(request: IncomingMessage, body: Buffer, maxMessageBytes: number): Promise<Buffer> {
  const name = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (name === 'identity' || name === '') return body
  const inflateBody = decompressors.get(name)
  if (inflateBody === undefined) {
    throw new Refusal(415, `The content encoding must be one of ${[...decompressors.keys()].join(', ')}`)
  }
  try {
    return await inflateBody(body, { maxOutputLength: maxMessageBytes })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new Refusal(413, `The request is too large: it expands to more than ${maxMessageBytes} bytes`)
    }
    throw new Refusal(400, `The body is not ${name}: ${(cause as Error).message}`)
  }
}

/** https://opentelemetry.io/docs/specs/otlp/#failures: a google.rpc.Status in the encoding of the request. */
function refuse(response: ServerResponse, encoding: Encoding | undefined, refusal: Refusal): void {
  response.writeHead(refusal.status, {
    'content-type': encoding === undefined ? 'text/plain; charset=utf-8' : contentTypes[encoding],
    ...refusal.headers,
  })
  response.end(
    encoding === undefined
      ? `${refusal.message}\n`
      : encodeStatus(encoding, codes.get(refusal.status) ?? INVALID_ARGUMENT, refusal.message),
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
