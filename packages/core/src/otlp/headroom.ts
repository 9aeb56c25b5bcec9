/**
 * Free bytes before an encoded request in its memory. gRPC writes the frame of a message there, which saves a copy of the
 * request (`pnpm bench pipeline`). https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export const HEADROOM_BYTES = 5

const requestsWithHeadroom = new WeakSet<Uint8Array>()

/**
 * Records that `HEADROOM_BYTES` before a request belong to the request.
 *
 * @returns the request
 */
export function markHeadroom(request: Buffer): Buffer {
  requestsWithHeadroom.add(request)
  return request
}

/** Returns true for a request of `markHeadroom`. */
export function hasHeadroom(request: Uint8Array): request is Buffer {
  return requestsWithHeadroom.has(request)
}
