import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
// By namespace: an older Node.js has no zstd, and must get as far as to be told that it is too old.
import * as zlib from 'node:zlib'
import { encodeStatus, type Encoding, type Signal } from './decode.ts'
import { listenError } from './errors.ts'
import type { Intake, Listener, ListenOptions } from './listener.ts'

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

/** google.rpc.Code INVALID_ARGUMENT: every refusal here is about what was sent. */
const invalidArgument = 3

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
  const server = createServer((request, response) => {
    void answer(intake, request, response, maxMessageBytes)
  })
  await bind(server, host, port)
  return {
    port: (server.address() as AddressInfo).port,
    close: () => close(server),
  }
}

async function answer(
  intake: Intake,
  request: IncomingMessage,
  response: ServerResponse,
  maxMessageBytes: number,
): Promise<void> {
  const encoding = encodings.get(mediaType(request))
  try {
    const signal = signalOf(request)
    if (encoding === undefined) {
      throw new Refusal(415, 'The content type must be application/x-protobuf or application/json')
    }
    const body = await decompress(request, await read(request, maxMessageBytes), maxMessageBytes)
    try {
      intake.accept(signal, encoding, body)
    } catch (cause) {
      throw new Refusal(400, (cause as Error).message)
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

async function read(request: IncomingMessage, maxMessageBytes: number): Promise<Buffer> {
  const tooLarge = new Refusal(413, `The request is larger than ${maxMessageBytes} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > maxMessageBytes) throw tooLarge
  const chunks: Buffer[] = []
  let size = 0
  // The request is not destroyed when the loop is left early: its socket is still needed for the answer, and Node
  // reads and forgets the rest of a body, so that the sender gets to it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxMessageBytes) throw tooLarge
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
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
      throw new Refusal(413, `The request expands to more than ${maxMessageBytes} bytes`)
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
      : encodeStatus(encoding, invalidArgument, refusal.message),
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
