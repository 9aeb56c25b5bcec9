/** Codes of a {@link ViewerError}: the viewer could not start, or `waitFor` ended without a result. */
export type ViewerErrorCode =
  | 'INVALID_OPTION'
  | 'PORT_IN_USE'
  | 'LISTEN_FAILED'
  | 'DATABASE'
  | 'QUERY_TIMEOUT'
  | 'NOT_RUNNING'
  | 'REQUEST_FAILED'
  | 'TIMEOUT'
  | 'CLOSED'

/** Error of the viewer. `code` is stable; `message` says what to do. */
export class ViewerError extends Error {
  override readonly name = 'ViewerError'
  readonly code: ViewerErrorCode

  constructor(code: ViewerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Converts a listen error of the system into a ViewerError that names the option to change. */
export function listenError(
  cause: Error,
  listener: { protocol: string; host: string; port: number; option: string },
): ViewerError {
  const { protocol, host, port, option } = listener
  // grpc-js reports a system error as text without `code`, so the message is searched.
  if (cause.message.includes('EADDRINUSE')) {
    return new ViewerError(
      'PORT_IN_USE',
      `Port ${port} for ${protocol} is already in use on ${host}. Stop the program that listens there, ` +
        `or choose another port with ${option} (0: any free port).`,
      { cause },
    )
  }
  return new ViewerError(
    'LISTEN_FAILED',
    `Cannot listen on ${host}, port ${port}, for ${protocol}: ${cause.message}. Check host and ${option}.`,
    { cause },
  )
}
