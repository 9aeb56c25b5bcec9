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
import { answerWrite, callSites, warnOfOfficial } from '@logbridge/bridge/internal'
import { type BunyanRecord, createAdapter, parseLine } from './convert.ts'
import type { OtelStreamOptions } from './options.ts'
import { resolveLevel } from './severity.ts'

export type { OtelStreamOptions } from './options.ts'
export type { BunyanLevel } from './severity.ts'

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
      if (typeof record === 'object') watchForInstrumentation(record)
    }
    // bunyan writes lines when the application passes `stream` alone, without `type: 'raw'`.
    bridge.emit(typeof record === 'string' ? parseLine(record) : (record as BunyanRecord))
  }
  const stream = Object.assign(createStreamEnd(write, bridge.flush), { write })
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

function callersOf(write: (record: object) => void): NodeJS.CallSite[] {
  return callSites(write).slice(BUNYAN_FRAMES)
}

const INSTRUMENTATION = '@opentelemetry/instrumentation-bunyan'

/**
 * Warns when the stream of `@opentelemetry/instrumentation-bunyan` gets a record too. A stream gets the record alone, so the field
 * `v`, which the other stream reads, is a getter until the streams have the record. Only where the instrumentation called bunyan.
 */
function watchForInstrumentation(record: { v?: unknown }): void {
  if (!callSites().some(isOfInstrumentation)) return
  const { v } = record
  const field = { configurable: true, enumerable: true }
  function get(): unknown {
    if (callSites(get, 1).some(isOfInstrumentation)) warnOfOfficial('bunyan', INSTRUMENTATION)
    return v
  }
  Object.defineProperty(record, 'v', { ...field, get })
  process.nextTick(() => Object.defineProperty(record, 'v', { ...field, value: v, writable: true }))
}

function isOfInstrumentation(site: NodeJS.CallSite): boolean {
  return site.getFileName()?.includes('instrumentation-bunyan') === true
}
