import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from 'node:http2'

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

export type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader

/** Reads the status of a call. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses */
export function readStatus(headers: ResponseHeaders): GrpcStatus {
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
