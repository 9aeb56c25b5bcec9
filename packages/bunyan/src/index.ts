/*
 * bunyan to OpenTelemetry.
 *
 * | bunyan                                   | LogRecord                                                    |
 * | ---------------------------------------- | ------------------------------------------------------------ |
 * | `time`                                   | timestamp; one that is no time stays attribute `time`        |
 * | `level` 10, 20, 30, 40, 50, 60           | severityNumber 1, 5, 9, 13, 17, 21; between in proportion    |
 * | `level`'s name, else the number          | severityText                                                 |
 * | `msg`                                    | body                                                         |
 * | `name`                                   | instrumentation scope                                        |
 * | `err`, raw or serialized; an Error under | `exception.type`, `.message`, `.stacktrace`; its own fields  |
 * | `error`, `exception`                     | and causes stay under that key                               |
 * | `src`                                    | `code.file.path`, `code.line.number`, `code.function.name`   |
 * | `hostname`, `pid`                        | attributes, where they are not this process's own            |
 * | `v`                                      | left out                                                     |
 * | all other fields                         | attributes, nested values nested                             |
 *
 * Child loggers and serializers are bunyan's doing: they are applied before a stream sees the record.
 */
import {
  type BridgeOptions,
  bridgeOptionRules,
  checkOptions,
  createBridge,
  createStreamEnd,
  type StreamEnd,
} from '@logbridge/bridge'
import { callSites, warnOfOfficial } from '@logbridge/bridge/internal'
import { type BunyanLevel, type BunyanRecord, createAdapter, parseLine, resolveLevel } from './convert.ts'

export type { BunyanLevel } from './convert.ts'

/** Options of `otelStream`: those of every adapter. */
export interface OtelStreamOptions extends BridgeOptions {
  /**
   * Level of this stream: a name or number of bunyan's. Default: the logger's; `info` with `log.addStream()`.
   * `log.level()` can change it later.
   */
  level?: BunyanLevel | number | undefined
  /** Not possible with bunyan, which formats a message before a stream sees it: has no effect. */
  captureTemplate?: boolean | undefined
}

/** One of a bunyan logger's `streams`; fits `bunyan.Stream` of `@types/bunyan`. */
export interface OtelStream {
  type: 'raw'
  name: string
  level?: number
  closeOnExit: false
  /** `end(callback)`, `flush(callback)`, and the events `finish` and `close` wait for the delivery. */
  stream: { write(record: object | string): void } & StreamEnd
}

/**
 * Makes a raw stream that sends every record of a bunyan logger (1.8 or 2) to OpenTelemetry:
 * `bunyan.createLogger({ name: 'shop', streams: [otelStream()] })`. Named `otel`, for `log.levels('otel', 'debug')`.
 *
 * @throws LogbridgeError `INVALID_OPTION` for an option that does not exist, or a value it does not accept
 */
export function otelStream(options: OtelStreamOptions = {}): OtelStream {
  checkOptions('@logbridge/bunyan', options, bridgeOptionRules)
  const { level, severity } = options
  const bridge = createBridge(createAdapter(severity), options)
  let compared = false
  function write(record: object | string): void {
    if (!compared) {
      compared = true
      warnOfInstrumentation()
    }
    // Lines come where only this stream was taken, without `type: 'raw'`.
    bridge.emit(typeof record === 'string' ? parseLine(record) : (record as BunyanRecord))
  }
  return {
    type: 'raw',
    name: 'otel',
    ...(level !== undefined && { level: resolveLevel('level', level) }),
    closeOnExit: false,
    stream: Object.assign(createStreamEnd(write, bridge.flush), { write }),
  }
}

/**
 * `@opentelemetry/instrumentation-bunyan` adds a stream of its own to every logger, which another stream cannot see: bunyan
 * hands out the record and nothing else. What can be seen is that its part of bunyan led here.
 */
function warnOfInstrumentation(): void {
  const official = '@opentelemetry/instrumentation-bunyan'
  if (callSites().some((site) => site.getFileName()?.includes('instrumentation-bunyan')))
    warnOfOfficial('bunyan', official, ', unless its option disableLogSending is true. Set it')
}
