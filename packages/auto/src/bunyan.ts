/* oxlint-disable no-underscore-dangle -- bunyan names its method so */
import type { OtelStream } from '@logbridge/bunyan'
import { loadAdapter, loggerCreated } from './adapters.ts'
import { injectSpan, isInjecting } from './inject.ts'
import { noteOther, sendsToOpenTelemetry } from './official.ts'
import { isFirstPatch, onFirstInstance } from './patches.ts'

interface Logger {
  streams: { stream: unknown }[]
  /** Writes a record to all streams; with `noemit` only makes its line. */
  _emit(record: Record<string, unknown>, noemit?: boolean): unknown
}

/**
 * Sends every record that a copy of bunyan writes. `Logger.prototype._emit` gets the records of all loggers, at the level of
 * each logger, so that `logger.streams` stays as the application made it.
 */
export function attachBunyan({ prototype }: { prototype: Logger }): void {
  if (!isFirstPatch(prototype)) return
  const { _emit: emit } = prototype
  let stream: OtelStream['stream'] | undefined
  let isLoaded = false
  let lastStreams: Logger['streams'] | undefined
  let lastLength = 0
  let isLastSent = false

  /** Tests if a stream of the application sends the records. Loggers share the array of their streams with simple children. */
  function isSent({ streams }: Logger): boolean {
    if (streams !== lastStreams || streams.length !== lastLength) {
      lastStreams = streams
      lastLength = streams.length
      isLastSent = streams.some((entry) => sendsToOpenTelemetry(entry.stream))
      if (isLastSent) noteOther('bunyan')
    }
    return isLastSent
  }

  onFirstInstance(prototype, 'streams', loggerCreated)
  prototype._emit = function (record, noemit) {
    if (isInjecting) injectSpan(record)
    const line = emit.call(this, record, noemit)
    if (!noemit && !isSent(this)) {
      if (!isLoaded) {
        isLoaded = true
        stream = loadAdapter('bunyan')?.otelStream().stream
      }
      stream?.write(record)
    }
    return line
  }
}
