/*
 * pino to OpenTelemetry: `otelStream` in the thread that logs, the default export in pino's worker. The worker reads the finished
 * line. `otelStream` reads pino's metadata where pino alone has made the line, and otherwise the line, so that a value that is hidden
 * (`redact`, serializers, formatters) stays hidden.
 *
 * | pino                                         | LogRecord                                                   |
 * | -------------------------------------------- | ----------------------------------------------------------- |
 * | `time`: epochTime, unixTime, isoTime, …      | timestamp; a text that is no date stays an attribute        |
 * | `level` 10, 20, 30, 40, 50, 60               | severityNumber 1, 5, 9, 13, 17, 21; between in proportion   |
 * | `level`'s name, else its number              | severityText                                                |
 * | `msg` (`messageKey`)                         | body                                                        |
 * | `err` (`errorKey`), a bare Error, an `error` | `exception.type`, `.message`, `.stacktrace`; its own fields |
 * | with a serializer                            | stay under that key                                         |
 * | `name` of the logger; its child's in process | instrumentation scope                                       |
 * | `pid`, `hostname`                            | attributes, when they are those of another process          |
 * | active span; worker: of `traceContext()`     | trace id, span id, flags                                    |
 * | all other fields                             | attributes, nested values nested                            |
 * | a line that is no JSON object                | body                                                        |
 */
import {
  bridgeOptionRules,
  checkOptions,
  createBridge,
  createStreamEnd,
  oneOf,
  type StreamEnd,
} from '@logbridge/bridge'
import { answerWrite, OWN_DESTINATION } from '@logbridge/bridge/internal'
import { createAdapter } from './convert.ts'
import { createLine } from './line.ts'
import type { OtelStreamOptions } from './options.ts'
import { DEFAULTS, type PinoLogger } from './logger.ts'
import { createSeverityOf, minimumOf } from './severity.ts'

export { flushOnSignals, type FlushOnSignalsOptions } from './flushOnSignals.ts'
export { traceContext } from './context.ts'
export type { TraceFieldNames } from '@logbridge/bridge/internal'
export { transport as default, type TransportStream } from './transport.ts'
export type { DeliveryOptions, OtelStreamOptions, TransportOptions, WorkerAdapterOptions } from './options.ts'

/**
 * Destination for `pino(options, stream)` and `pino.multistream`. `end(callback)`, `flush(callback)` (called by
 * `logger.flush(callback)`), and the events `finish` and `close` wait for delivery.
 */
export interface OtelStream extends StreamEnd {
  /** Makes `pino(stream)` recognize a stream. */
  readonly writable: true
  /**
   * Sends one line. Never throws.
   * @param callback last argument, as in a stream of Node.js. The callback of an empty line waits for the delivery.
   */
  write(line: string, encoding?: unknown, callback?: unknown): void
}

/** Makes pino set the fields of `Metadata` before each `write`. https://getpino.io/#/docs/api?id=metadata */
const METADATA: symbol = Symbol.for('pino.metadata')

interface Metadata {
  lastLevel: number | undefined
  lastTime: string | undefined
  lastObj: object | undefined
  lastMsg: unknown
  lastLogger: PinoLogger | undefined
}

/**
 * Creates a pino destination that sends each record to OpenTelemetry.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an unknown option, and for a value that an option does not accept
 * @example
 * const logger = pino({ level: 'debug' }, otelStream())
 */
export function otelStream(options: OtelStreamOptions = {}): OtelStream {
  checkOptions('@logbridge/pino', options, { ...bridgeOptionRules, source: oneOf('metadata', 'line') })
  const severityOf = createSeverityOf(options.severity)
  const { source = 'metadata', ...bridgeOptions } = options
  const adapter = createAdapter(severityOf, typeof options.scope !== 'string', source === 'metadata')
  const bridge = createBridge(adapter, bridgeOptions, minimumOf(options.level, DEFAULTS.levels, severityOf))

  const end = createStreamEnd((text: string) => stream.write(text), bridge.flush)
  const stream: OtelStream & Metadata = Object.assign(end, {
    writable: true as const,
    lastLevel: undefined,
    lastTime: undefined,
    lastObj: undefined,
    lastMsg: undefined,
    lastLogger: undefined,
    [METADATA]: true,
    [OWN_DESTINATION]: true,
    write,
  } as Metadata & Pick<OtelStream, 'writable' | 'write'>)

  function write(
    this: (Metadata & Pick<OtelStream, 'write'>) | undefined,
    text: string,
    encoding?: unknown,
    callback?: unknown,
  ): void {
    if (encoding !== undefined || callback !== undefined) answerWrite(end, text, [encoding, callback])
    if (text === '') return
    // pino sets the metadata on the object that it writes to, which may be a copy: `{ ...otelStream() }`.
    const target = this ?? stream
    const { lastLevel, lastTime, lastObj, lastMsg, lastLogger } = target
    // Cleared, so that a line of other code has no metadata, and no object is kept alive.
    target.lastLevel = target.lastTime = target.lastObj = target.lastMsg = target.lastLogger = undefined
    // An application that registers no provider pays for no line: `pnpm bench disabled`.
    if (bridge.skips()) return
    // A `write` of the application may have changed the text.
    const writtenTo = target.write === write ? target : undefined
    bridge.emit(createLine(text, lastLevel, lastTime?.trim(), lastObj, lastLogger, lastMsg, writtenTo))
  }

  return stream
}
