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

/** Option of the address that the viewer listens on. */
export type ListenOption = 'grpcPort' | 'httpPort' | 'port' | 'host'

/** Error of the viewer. `code` is stable; `message` says what to do. */
export class ViewerError extends Error {
  override readonly name = 'ViewerError'
  readonly code: ViewerErrorCode
  /** Option that the message says to change. */
  readonly option: ListenOption | undefined

  constructor(
    code: ViewerErrorCode,
    message: string,
    { option, ...options }: ErrorOptions & { option?: ListenOption } = {},
  ) {
    super(message, options)
    this.code = code
    this.option = option
  }
}

/** Converts a listen error of the system into a ViewerError that names the option to change. */
export function listenError(
  cause: Error,
  listener: { protocol: string; host: string; port: number; option: 'grpcPort' | 'httpPort' | 'port' },
): ViewerError {
  const { protocol, host, port, option } = listener
  // grpc-js reports a system error as text without `code`, so the message is searched.
  if (cause.message.includes('EADDRINUSE')) {
    return new ViewerError(
      'PORT_IN_USE',
      `Port ${port} for ${protocol} is already in use on ${host}. Stop the program that listens there, ` +
        `or choose another port with ${option} (0: any free port).`,
      { cause, option },
    )
  }
  const isPort = /EACCES/.test(cause.message)
  return new ViewerError(
    'LISTEN_FAILED',
    `Cannot listen on ${host}, port ${port}, for ${protocol}: ${cause.message}. Set another ${isPort ? option : 'host'}.`,
    { cause, option: isPort ? option : 'host' },
  )
}
