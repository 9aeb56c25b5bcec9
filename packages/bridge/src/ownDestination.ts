/**
 * Marks the destination that an application has attached to its logger: a transport, a stream, or the `configure` of an appender.
 * `@logbridge/auto` leaves such a logger alone.
 */
export const OWN_DESTINATION: unique symbol = Symbol.for('logbridge.destination.1') as never
