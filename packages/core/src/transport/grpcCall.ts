import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { unzipSync } from 'node:zlib'
import { MAX_ANSWER_BYTES } from './transport.ts'

// Imports only modules of Node.js and files that do the same, because the worker of an exit flush bundles this file.

/** Bytes before a message: one for compression, four for the length. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
const PREFIX_BYTES = 5
/** Largest number in `grpc-timeout`, which has eight digits. */
const MAX_TIMEOUT = 99_999_999

/** Names of the status codes, by number. https://github.com/grpc/grpc/blob/master/doc/statuscodes.md */
export const GRPC_STATUS_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
]

/**
 * Names for an HTTP status without a gRPC status, and for 413, with which proxies refuse large requests.
 * https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 */
const NAME_OF_HTTP_STATUS: Readonly<Record<number, string>> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  413: 'RESOURCE_EXHAUSTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
}

/** Status that a receiver has sent. */
export interface GrpcStatus {
  readonly code: number
  /** Decoded `grpc-message`. */
  readonly message: string
  /** Decoded `grpc-status-details-bin`. */
  readonly details: Uint8Array | undefined
}

type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader

/** Unary call. */
export interface GrpcCall {
  /** Host and port of the receiver. */
  readonly authority: string
  readonly isSecure: boolean
  /** Path of the method. */
  readonly method: string
  /** Headers of the exporter by name in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly message: Uint8Array
  /** True for a message in gzip. */
  readonly isCompressed: boolean
}

/** End of a call. */
export type CallResult =
  | { readonly kind: 'answered'; readonly status: GrpcStatus; readonly response: Uint8Array | undefined }
  /** The receiver has answered with a message that cannot be read. */
  | { readonly kind: 'unreadable'; readonly cause: string }
  /** The receiver has not processed the request. */
  | { readonly kind: 'refused'; readonly cause: string }
  /** The call has ended without a status. `code` is the name of the status for that. */
  | { readonly kind: 'lost'; readonly code: string; readonly cause: string }
  | { readonly kind: 'aborted' }

const TOO_LARGE: CallResult = {
  kind: 'unreadable',
  cause: `message is larger than ${MAX_ANSWER_BYTES} bytes`,
}

/** Returns the headers of a request. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests */
export function requestHeaders(call: GrpcCall, timeoutMillis: number): OutgoingHttpHeaders {
  return {
    ...call.headers,
    ':method': 'POST',
    ':scheme': call.isSecure ? 'https' : 'http',
    ':authority': call.authority,
    ':path': call.method,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': formatTimeout(Math.max(1, Math.ceil(timeoutMillis))),
    // A response has a few bytes, which gain nothing by compression.
    'grpc-accept-encoding': 'identity',
    ...(call.isCompressed && { 'grpc-encoding': 'gzip' }),
  }
}

function formatTimeout(millis: number): string {
  return millis <= MAX_TIMEOUT ? `${millis}m` : `${Math.min(MAX_TIMEOUT, Math.ceil(millis / 1000))}S`
}

/**
 * Sends the message of a call, and reads the answer. Resolves at the end of the answer, which may come before the message is sent,
 * at the end of the stream, or at the abort, which cancels the stream.
 */
export async function exchangeMessages(
  stream: ClientHttp2Stream,
  { message, isCompressed }: GrpcCall,
  attempt: AbortSignal,
): Promise<CallResult> {
  const { promise, resolve } = Promise.withResolvers<CallResult>()
  const { session } = stream
  let headers: ResponseHeaders | undefined
  let hasTrailers = false
  const chunks: Buffer[] = []
  let size = 0
  let failure: NodeJS.ErrnoException | undefined

  function answer(): CallResult | undefined {
    if (headers === undefined || (!hasTrailers && headers[':status'] === 200)) return undefined
    return answerOf(headers, Buffer.concat(chunks))
  }
  stream.on('response', (received, flags) => {
    headers = received
    hasTrailers = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
  })
  stream.on('trailers', (received) => {
    headers = { ...headers, ...received }
    hasTrailers = true
  })
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= PREFIX_BYTES + MAX_ANSWER_BYTES) return void chunks.push(chunk)
    resolve(answer() ?? TOO_LARGE)
    cancelStream(stream)
  })
  stream.on('end', () => {
    const result = answer()
    if (result) resolve(result)
  })
  stream.on('error', (error) => (failure = error))
  // `close` comes last on each stream, after the error.
  stream.on('close', () => resolve(answer() ?? lossOf(stream.rstCode, failure, session?.destroyed !== false)))
  const onAbort = (): void => {
    resolve({ kind: 'aborted' })
    cancelStream(stream)
  }
  if (attempt.aborted) onAbort()
  else attempt.addEventListener('abort', onAbort)
  writeMessage(stream, message, isCompressed)
  try {
    return await promise
  } finally {
    attempt.removeEventListener('abort', onAbort)
  }
}

function writeMessage(stream: ClientHttp2Stream, message: Uint8Array, isCompressed: boolean): void {
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
  prefix[0] = Number(isCompressed)
  prefix.writeUInt32BE(message.length, 1)
  // One write of two buffers saves a copy of the message (`pnpm bench pipeline`).
  stream.cork()
  stream.write(prefix)
  stream.end(message)
}

/** Resets a stream, and destroys the stream at once, because the reset may wait for a connection that transmits nothing. */
export function cancelStream(stream: ClientHttp2Stream): void {
  stream.close(constants.NGHTTP2_CANCEL)
  stream.destroy()
}

function answerOf(headers: ResponseHeaders, body: Buffer): CallResult {
  const status = readStatus(headers)
  if (status.code !== 0 || body.length < PREFIX_BYTES)
    return { kind: 'answered', status, response: undefined }
  const length = body.readUInt32BE(1)
  if (length > MAX_ANSWER_BYTES) return TOO_LARGE
  // The bytes of an incomplete message are no message. The status alone decides.
  const content = body.subarray(PREFIX_BYTES, PREFIX_BYTES + length)
  if (content.length < length) return { kind: 'answered', status, response: undefined }
  if (body[0] === 0) return { kind: 'answered', status, response: content }
  try {
    return {
      kind: 'answered',
      status,
      response: unzipSync(content, { maxOutputLength: MAX_ANSWER_BYTES }),
    }
  } catch (error) {
    return { kind: 'unreadable', cause: `message cannot be decompressed: ${(error as Error).message}` }
  }
}

/** Codes of errors of a stream that was never opened, because its connection was closed. */
const NEVER_OPENED: ReadonlySet<string | undefined> = new Set([
  'ERR_HTTP2_GOAWAY_SESSION',
  'ERR_HTTP2_INVALID_SESSION',
  'ERR_HTTP2_STREAM_CANCEL',
])

/** Names of statuses for a reset stream. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors */
const STATUS_OF_RESET: Readonly<Record<number, string>> = {
  [constants.NGHTTP2_CANCEL]: 'CANCELLED',
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: 'RESOURCE_EXHAUSTED',
  [constants.NGHTTP2_INADEQUATE_SECURITY]: 'PERMISSION_DENIED',
}

function lossOf(
  resetCode: number | undefined,
  failure: NodeJS.ErrnoException | undefined,
  isConnectionLost: boolean,
): CallResult {
  const { code, message } = failure ?? {}
  if (resetCode === constants.NGHTTP2_REFUSED_STREAM || NEVER_OPENED.has(code)) {
    return { kind: 'refused', cause: message ?? 'stream refused' }
  }
  if (isConnectionLost) return { kind: 'lost', code: 'UNAVAILABLE', cause: message ?? 'connection closed' }
  if (!resetCode) return { kind: 'lost', code: 'INTERNAL', cause: message ?? 'stream ended without a status' }
  const status = STATUS_OF_RESET[resetCode] ?? 'INTERNAL'
  return { kind: 'lost', code: status, cause: message ?? 'stream reset by the receiver' }
}

/** Reads the status of a call. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
function readStatus(headers: ResponseHeaders): GrpcStatus {
  const { ':status': httpStatus = 0, 'grpc-status': code, 'grpc-message': message } = headers
  if (code === undefined) {
    const name = NAME_OF_HTTP_STATUS[httpStatus] ?? 'UNKNOWN'
    return {
      code: GRPC_STATUS_NAMES.indexOf(name),
      message: `Received HTTP status code ${httpStatus}${httpStatus === 413 ? ' (too large)' : ''}`,
      details: undefined,
    }
  }
  const details = headers['grpc-status-details-bin']
  return {
    code: /^\d+$/.test(String(code)) ? Number(code) : GRPC_STATUS_NAMES.indexOf('UNKNOWN'),
    message: message === undefined ? '' : decodePercent(String(message)),
    details: details === undefined ? undefined : Buffer.from(String(details), 'base64'),
  }
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
