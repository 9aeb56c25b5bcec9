/** What went wrong, for code that wants to react to it. */
export type LogbridgeErrorCode =
  /** An option has a value it does not accept, or does not exist. */
  | 'INVALID_OPTION'
  /** A package that this use needs is not installed. */
  | 'MISSING_PEER'
  /** What may run once in a process runs already. */
  | 'ALREADY_STARTED'
  /** What belongs to one process was started while Node builds a startup snapshot, from which many start. */
  | 'STARTUP_SNAPSHOT'

/**
 * Every error that logbridge throws: its message says what to do, `code` names the kind, `cause` is the
 * error behind it. Thrown only while something is set up, never by a log call.
 */
export class LogbridgeError extends Error {
  override readonly name = 'LogbridgeError'
  readonly code: LogbridgeErrorCode

  constructor(code: LogbridgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
