/**
 * Marks the destination that an application has attached to its logger: a transport, a stream, or the `configure` of an appender.
 * `@logbridge/auto` leaves such a logger alone.
 */
export const OWN_DESTINATION: unique symbol = Symbol.for('logbridge.destination.1') as never

/**
 * Marks a destination for pino that gets each line as pino has made it, beside the stream of the logger: `@logbridge/auto` takes the
 * lines from `asJson`.
 */
export const TAKES_LINES: unique symbol = Symbol.for('logbridge.pino.lines.1') as never
