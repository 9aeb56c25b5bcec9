/** Kind of a `LogbridgeError`. */
export type LogbridgeErrorCode =
  /** An option has an invalid value, or an unknown name. */
  | 'INVALID_OPTION'
  /** A required package is not installed, or too old. */
  | 'MISSING_PEER'
  /** The process has started the component before, and only one may run. */
  | 'ALREADY_STARTED'
  /** Node.js is older than the package needs. */
  | 'NODE_VERSION'
  /** The component was started while Node.js builds a startup snapshot, from which many processes start. */
  | 'STARTUP_SNAPSHOT'
  /** A request of another program is malformed. */
  | 'MALFORMED_REQUEST'

/**
 * Error that logbridge throws, most during setup. The message says what to do, `code` names the kind, and `cause` is the original error. A log
 * call never throws.
 */
export class LogbridgeError extends Error {
  override readonly name = 'LogbridgeError'
  readonly code: LogbridgeErrorCode

  constructor(code: LogbridgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
