/*
 * Trace context and time of the log call. log4js may call an appender later (behind one that delays) or in another process
 * (the primary of a cluster), and its events do not say where they come from. So both are taken where every event passes
 * within its log call: log4js's `clustering`, which has no public name. An event's own time has whole milliseconds only.
 */
import cluster from 'node:cluster'
import { type HrTime, now } from '@logbridge/bridge'
import {
  activeContext,
  contextOfSpan,
  isSpanContextValid,
  ROOT_CONTEXT,
  spanContextOf,
} from '@logbridge/bridge/internal'
import type { Context } from '@opentelemetry/api'
import type { LoggingEvent } from 'log4js'
// @ts-expect-error log4js has no types for its parts
import log4jsClustering from 'log4js/lib/clustering.js'

interface Clustering {
  /** Whether this process has the appenders. */
  isMaster(): boolean
  /** Takes each event, to the listeners or to the process that has the appenders. */
  send(event: LoggingEvent): void
  /** For events of this process and its workers. log4js drops all listeners when it is configured. */
  onMessage(listener: (event: LoggingEvent) => void): void
}
const clustering = log4jsClustering as Clustering

/** `process.pid` is a getter that takes 17 ns, and was asked for twice a record. */
const OWN_PID = process.pid
/** Enumerable, so that an appender that passes on a copy of the event keeps it. */
const CONTEXT = Symbol.for('logbridge.log4js.context')
const TIME = Symbol.for('logbridge.log4js.time')
/** Where an event has its span on the way to another process: of its parts, log4js carries over its own and `context`. */
const TRACEPARENT = 'logbridge.traceparent'

interface Traced {
  [CONTEXT]?: Context
  [TIME]?: HrTime
}

// In a worker no appender is made: that this package is loaded there must do.
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

/** Makes events remember context and time of their log call, until log4js is configured again. */
export function rememberCalls(): void {
  clustering.onMessage((event: LoggingEvent & Traced) => {
    // Each of several appenders listens.
    event[CONTEXT] ??= isForeign(event) ? extractRemoteContext(event.context) : activeContext()
    event[TIME] ??= now()
  })
}

/** Returns the time of the log call, of an event from another process the time at which this one has got it. */
export function timeOfCall(event: object): HrTime | undefined {
  return (event as Traced)[TIME]
}

/** The context of the log call; `undefined` where it is the active one. */
export function contextOf(event: object): Context | undefined {
  return (event as Traced)[CONTEXT] ?? (isForeign(event) ? ROOT_CONTEXT : undefined)
}

/** Whether an event comes from another process: what is active here is not the context of its log call. */
export function isForeign(event: {
  pid?: number | undefined
  cluster?: unknown
  /** Set by log4js's `multiprocess` appender. */
  remoteAddress?: unknown
}): boolean {
  const { pid = OWN_PID, cluster: worker, remoteAddress } = event
  return worker !== undefined || remoteAddress !== undefined || pid !== OWN_PID
}

/** The span that the worker has put there, in the form of https://www.w3.org/TR/trace-context/#traceparent-header */
function extractRemoteContext(fields: Record<string, unknown>): Context {
  const [, traceId = '', spanId = '', flags = ''] = String(fields[TRACEPARENT] ?? '').split('-', 4)
  delete fields[TRACEPARENT]
  const span = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 0xff, isRemote: true }
  return isSpanContextValid(span) ? contextOfSpan(span) : ROOT_CONTEXT
}
