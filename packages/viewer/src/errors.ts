/** What went wrong when a viewer could not be started, or a wait for data was in vain. */
export type ViewerErrorCode = 'INVALID_OPTION' | 'PORT_IN_USE' | 'LISTEN_FAILED' | 'TIMEOUT' | 'CLOSED'

/** An error of the viewer's own; `code` is stable, the message says what to do. */
export class ViewerError extends Error {
  override readonly name = 'ViewerError'
  readonly code: ViewerErrorCode

  constructor(code: ViewerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The system's error in our words. `port` and `option` are those that the caller can change. */
export function listenError(
  cause: Error,
  listener: { protocol: string; host: string; port: number; option: string },
): ViewerError {
  const { protocol, host, port, option } = listener
  // grpc-js puts the system's error into a message of its own, so there is no `code` to look at.
  if (cause.message.includes('EADDRINUSE')) {
    return new ViewerError(
      'PORT_IN_USE',
      `Port ${port} for ${protocol} is already in use on ${host}. Stop the program that listens there, ` +
        `or choose another port with ${option} (0: any free one).`,
      { cause },
    )
  }
  return new ViewerError(
    'LISTEN_FAILED',
    `Cannot listen on ${host}, port ${port}, for ${protocol}: ${cause.message}. Check host and ${option}.`,
    { cause },
  )
}
