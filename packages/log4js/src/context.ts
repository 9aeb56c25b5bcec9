/*
 * Trace context and time of the log call. log4js may call an appender later (behind an appender that delays), or in another
 * process (the primary of a cluster), and its events do not carry the context. Both are recorded in log4js's internal module
 * `clustering`, which every event passes during its log call. The time of an event has whole milliseconds.
 */
import cluster from 'node:cluster'
import { type HrTime, now } from '@logbridge/bridge'
import {
  activeContext,
  canBuffer,
  contextOfSpan,
  isSpanContextValid,
  registeredProvider,
  ROOT_CONTEXT,
  spanContextOf,
} from '@logbridge/bridge/internal'
import type { Context } from '@opentelemetry/api'
import type { LoggingEvent } from 'log4js'
// @ts-expect-error log4js has no types for its parts
import log4jsClustering from 'log4js/lib/clustering.js'

interface Clustering {
  /** Tests if this process has the appenders. */
  isMaster(): boolean
  /** Passes an event to the listeners, or to the process that has the appenders. */
  send(event: LoggingEvent): void
  /** Adds a listener for events of this process and its workers. log4js removes all listeners when it is configured. */
  onMessage(listener: (event: LoggingEvent) => void): void
}
const clustering = log4jsClustering as Clustering

/** Read once, because `process.pid` is a getter: `pnpm bench log4js`. */
const OWN_PID = process.pid
/** Key of an enumerable property, which a copy of the event keeps. */
const CONTEXT = Symbol.for('logbridge.log4js.context')
const TIME = Symbol.for('logbridge.log4js.time')
/** Field of `event.context` that carries the span to another process, because log4js serializes its own fields and `context`. */
const TRACEPARENT = 'logbridge.traceparent'

interface Traced {
  [CONTEXT]?: Context
  [TIME]?: HrTime
}

// A worker creates no appender, so loading this package patches `send`.
if (cluster.isWorker) {
  const { send } = clustering
  clustering.send = (event) => {
    const span = spanContextOf(activeContext())
    if (span && !clustering.isMaster()) {
      const flags = span.traceFlags.toString(16).padStart(2, '0')
      event.context[TRACEPARENT] = `00-${span.traceId}-${span.spanId}-${flags}`
    }
    send(event)
  }
}

/**
 * Records context and time of the log call on each event, until log4js is configured again. Skips events of this process while all records are
 * dropped, because no LoggerProvider exists: `pnpm bench disabled`.
 * @param hasProvider true when the appender has the option `loggerProvider`
 */
export function rememberCalls(hasProvider: boolean): void {
  clustering.onMessage((event: LoggingEvent & Traced) => {
    try {
      if (!hasProvider && registeredProvider() === undefined && !canBuffer() && !isForeign(event)) return
      // Several appenders add a listener each.
      event[CONTEXT] ??= isForeign(event) ? extractRemoteContext(event.context) : activeContext()
      event[TIME] ??= now()
    } catch {
      // The bridge meets the same error, and reports that error.
    }
  })
}

/** Returns the time of the log call; for an event of another process, the time of its arrival here. */
export function timeOfCall(event: object): HrTime | undefined {
  return (event as Traced)[TIME]
}

/** Returns the context of the log call; `undefined` when that is the active context. */
export function contextOf(event: object): Context | undefined {
  return (event as Traced)[CONTEXT] ?? (isForeign(event) ? ROOT_CONTEXT : undefined)
}

/** Tests if an event comes from another process, so that the active context is not that of its log call. */
export function isForeign(event: {
  pid?: number | undefined
  cluster?: unknown
  /** Set by log4js's `multiprocess` appender. */
  remoteAddress?: unknown
}): boolean {
  const { pid = OWN_PID, cluster: worker, remoteAddress } = event
  return worker !== undefined || remoteAddress !== undefined || pid !== OWN_PID
}

/** Reads and removes the span that a worker has added. https://www.w3.org/TR/trace-context/#traceparent-header */
function extractRemoteContext(fields: Record<string, unknown>): Context {
  const [, traceId = '', spanId = '', flags = ''] = String(fields[TRACEPARENT] ?? '').split('-', 4)
  delete fields[TRACEPARENT]
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 0xff, isRemote: true }
  return isSpanContextValid(span) ? contextOfSpan(span) : ROOT_CONTEXT
}
