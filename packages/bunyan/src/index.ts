/*
 * bunyan to OpenTelemetry.
 *
 * | bunyan                                   | LogRecord                                                    |
 * | ---------------------------------------- | ------------------------------------------------------------ |
 * | `time`                                   | timestamp; attribute `time` when it is no time               |
 * | `level` 10, 20, 30, 40, 50, 60           | severityNumber 1, 5, 9, 13, 17, 21; between in proportion    |
 * | `level`'s name, else the number          | severityText                                                 |
 * | `msg`                                    | body                                                         |
 * | `name`                                   | instrumentation scope                                        |
 * | `err`, raw or serialized; an Error under | `exception.type`, `.message`, `.stacktrace`; its own fields  |
 * | `error`, `exception`                     | and causes stay under that key                               |
 * | `src`                                    | `code.file.path`, `code.line.number`, `code.function.name`   |
 * | `hostname`, `pid`                        | attributes, when they are those of another process           |
 * | `v`                                      | left out                                                     |
 * | all other fields                         | attributes, nested values nested                             |
 *
 * bunyan applies child loggers and serializers before a stream gets the record.
 */
import {
  bridgeOptionRules,
  checkOptions,
  createBridge,
  createStreamEnd,
  type StreamEnd,
} from '@logbridge/bridge'
import { answerWrite, callSites, OWN_DESTINATION, warnOfOfficial } from '@logbridge/bridge/internal'
import { type BunyanRecord, createAdapter, parseLine } from './convert.ts'
import type { OtelStreamOptions } from './options.ts'
import { resolveLevel } from './severity.ts'

export type { OtelStreamOptions } from './options.ts'
export { traceContext } from './traceContext.ts'
export type { TraceFieldNames } from '@logbridge/bridge/internal'
export type { BunyanLevel } from './severity.ts'

type StreamWrite = (record: object | string) => void

/** Entry of a bunyan logger's `streams`. Assignable to `bunyan.Stream` of `@types/bunyan`. */
export interface OtelStream {
  type: 'raw'
  name: string
  level?: number
  closeOnExit: false
  /** `end(callback)`, `flush(callback)`, and the events `finish` and `close` wait for the delivery. */
  stream: {
    /**
     * Sends one record, or the record of one line. Never throws.
     * @param callback last argument, as in a stream of Node.js. The callback of an empty text waits for the delivery.
     */
    write(record: object | string, encoding?: unknown, callback?: unknown): void
  } & StreamEnd
}

/**
 * Creates a raw stream that sends every record of a bunyan logger (1.8 or 2) to OpenTelemetry. The stream's name is `otel`, for
 * `log.levels('otel', 'debug')`.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an unknown option, and for a value that an option does not accept
 * @example
 * const log = bunyan.createLogger({ name: 'shop', streams: [otelStream()] })
 */
export function otelStream(options: OtelStreamOptions = {}): OtelStream {
  checkOptions('@logbridge/bunyan', options, bridgeOptionRules)
  const { level, severity } = options
  const bridge = createBridge({ ...createAdapter(severity), callers: () => callersOf(write) }, options)
  let compared = false
  function write(record: object | string, encoding?: unknown, callback?: unknown): void {
    if (encoding !== undefined || callback !== undefined) answerWrite(stream, record, [encoding, callback])
    if (record === '') return
    if (!compared) {
      compared = true
      if (typeof record === 'object') warnOfInstrumentation(record as BunyanRecord, write)
    }
    // bunyan writes lines when the application passes `stream` alone, without `type: 'raw'`.
    bridge.emit(typeof record === 'string' ? parseLine(record) : (record as BunyanRecord))
  }
  const stream = Object.assign(createStreamEnd(write, bridge.flush), { write, [OWN_DESTINATION]: true })
  return {
    type: 'raw',
    name: 'otel',
    ...(level !== undefined && { level: resolveLevel('level', level) }),
    closeOnExit: false,
    stream,
  }
}

/** bunyan's functions between the application and a stream: `Logger._emit`, and the method of the level. */
const BUNYAN_FRAMES = 2

function callersOf(write: StreamWrite): NodeJS.CallSite[] {
  return callSites(write).slice(BUNYAN_FRAMES)
}

/** Stream that `@opentelemetry/instrumentation-bunyan` adds to a logger. */
interface OfficialEntry {
  readonly level?: number
  readonly stream?: { readonly _otelLogger?: Parameters<typeof warnOfOfficial>[2] }
}

/** Warns when the logger of a record sends the record by the stream of `@opentelemetry/instrumentation-bunyan` too. */
function warnOfInstrumentation({ level }: BunyanRecord, write: StreamWrite): void {
  const official = callingStreams(write).find(
    ({ stream }) => stream?.constructor?.name === 'OpenTelemetryBunyanStream',
  )
  if (official === undefined || (official.level ?? 0) > level) return
  // oxlint-disable-next-line no-underscore-dangle -- the instrumentation has this name
  warnOfOfficial('bunyan', '@opentelemetry/instrumentation-bunyan', official.stream?._otelLogger)
}

/**
 * Returns the streams of the logger that writes. bunyan passes no logger to a stream, but V8 returns `this` of `Logger._emit`, which is in sloppy
 * mode, when no function in strict mode is above in the stack. In a bundle in strict mode there is none.
 */
function callingStreams(write: StreamWrite): readonly OfficialEntry[] {
  const [emit] = callSites(write, 1)
  const streams = (emit?.getThis() as { streams?: unknown } | undefined)?.streams
  return Array.isArray(streams) ? (streams as OfficialEntry[]) : []
}
