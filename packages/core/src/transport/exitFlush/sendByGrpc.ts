import http2 from 'node:http2'
import { gzipSync } from 'node:zlib'
import { FRAME_BYTES } from '../grpcFrame.ts'
import { GRPC_STATUS_NAMES, grpcOutcome } from '../grpcOutcome.ts'
import { type ExportOutcome, GZIP_OVER_BYTES, MAX_ANSWER_BYTES } from '../transport.ts'
import { openSocket } from './connect.ts'
import { responseTo, untilSent } from './exchange.ts'
import type { ExitTarget, SendOnce } from './types.ts'

/** `grpc-timeout` has at most 8 digits. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const MAX_GRPC_TIMEOUT = 99_999_999
const UNAVAILABLE = GRPC_STATUS_NAMES.indexOf('UNAVAILABLE')
const DEADLINE_EXCEEDED = GRPC_STATUS_NAMES.indexOf('DEADLINE_EXCEEDED')
const RESOURCE_EXHAUSTED = GRPC_STATUS_NAMES.indexOf('RESOURCE_EXHAUSTED')
const UNKNOWN = GRPC_STATUS_NAMES.indexOf('UNKNOWN')

/** Codes for an HTTP status without a gRPC status. https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const CODE_OF_HTTP_STATUS: Readonly<Record<number, string>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

/** Creates a sender for OTLP over gRPC: unary calls on one connection of `node:http2`. */
export function createGrpcSend(target: ExitTarget): SendOnce {
  let connection: Promise<http2.ClientHttp2Session> | undefined

  async function connect(attempt: AbortSignal): Promise<http2.ClientHttp2Session> {
    const socket = await openSocket(target, attempt)
    // Unsent requests count as memory of the session, as in grpc-js, which has no limit either.
    const session = http2.connect(target.url, {
      createConnection: () => socket,
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    })
    const reconnect = (): void => void (connection = undefined)
    session.on('error', reconnect).on('close', reconnect).on('goaway', reconnect)
    return session
  }

  return async (request, attempt) => {
    try {
      connection ??= connect(attempt)
      return await call(await connection, target, request, attempt)
    } catch (error) {
      connection = undefined
      return attempt.aborted
        ? failed(DEADLINE_EXCEEDED, 'no response in time')
        : failed(UNAVAILABLE, (error as Error).message)
    }
  }
}

/** Returns the outcome of a call without a status of the receiver. */
function failed(code: number, details: string): ExportOutcome {
  return grpcOutcome(
    { code, details, statusDetails: undefined, response: undefined, fromServer: false },
    String,
  )
}

/** @throws Error when the call ends without a status */
async function call(
  session: http2.ClientHttp2Session,
  { method, headers, compression, timeoutMillis }: ExitTarget,
  request: Uint8Array,
  attempt: AbortSignal,
): Promise<ExportOutcome> {
  const gzipped = compression === 'gzip' && request.length > GZIP_OVER_BYTES
  const stream = session.request(
    {
      ...headers,
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${Math.min(Math.ceil(timeoutMillis), MAX_GRPC_TIMEOUT)}m`,
      'grpc-accept-encoding': 'identity',
      ...(gzipped && { 'grpc-encoding': 'gzip' }),
    },
    { signal: attempt },
  )
  let trailers: http2.IncomingHttpHeaders = {}
  stream.on('trailers', (received) => (trailers = received))
  stream.end(frame(gzipped ? gzipSync(request) : request, gzipped))
  const headersOfResponse = await responseTo<Status>(stream)
  const response = await readMessage(stream)
  // grpc-js has the same status for a message over its limit.
  if (response === undefined) return failed(RESOURCE_EXHAUSTED, 'Received message larger than max')
  const status = { ...headersOfResponse, ...trailers }
  const outcome = grpcOutcome(
    {
      code: codeOf(status),
      details: detailsOf(status),
      statusDetails: bytesOf(status['grpc-status-details-bin']),
      response,
      fromServer: true,
    },
    String,
  )
  if (outcome.kind === 'delivered') await untilSent(stream, attempt)
  return outcome
}

function frame(message: Uint8Array, isCompressed: boolean): Buffer {
  const framed = Buffer.allocUnsafe(FRAME_BYTES + message.length)
  framed[0] = isCompressed ? 1 : 0
  framed.writeUInt32BE(message.length, 1)
  framed.set(message, FRAME_BYTES)
  return framed
}

/**
 * Reads the message of a response. Returns `undefined` for a message that is too large, and resets its stream.
 * @throws Error when the stream ends with an error
 */
async function readMessage(stream: http2.ClientHttp2Stream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > FRAME_BYTES + MAX_ANSWER_BYTES) {
      stream.close(http2.constants.NGHTTP2_CANCEL)
      return undefined
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).subarray(FRAME_BYTES)
}

type Status = http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader

function codeOf(status: Status): number {
  const code = Number(status['grpc-status'])
  if (status['grpc-status'] !== undefined && Number.isInteger(code)) return code
  return Math.max(UNKNOWN, GRPC_STATUS_NAMES.indexOf(CODE_OF_HTTP_STATUS[status[':status'] ?? 0] ?? ''))
}

function detailsOf(status: Status): string {
  const message = status['grpc-message']
  if (message === undefined) {
    return status['grpc-status'] === undefined ? `Received HTTP status code ${status[':status']}` : ''
  }
  try {
    return decodeURIComponent(String(message))
  } catch {
    return String(message)
  }
}

function bytesOf(header: string | string[] | undefined): Buffer | undefined {
  return header === undefined ? undefined : Buffer.from(String(header), 'base64')
}
