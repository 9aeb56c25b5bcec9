import { AsyncLocalStorage } from 'node:async_hooks'
import type { Loggers } from './provider.ts'
import type { ApiLogRecord } from './types.ts'

/** A record that was logged before any LoggerProvider was there, in plain values. */
export interface EarlyRecord {
  scope: string
  record: ApiLogRecord
}

/** The record that a bridge sent last. */
export interface SentRecord {
  readonly library: string
  readonly loggers: Loggers
  /** As it was handed to the bridge. */
  native: unknown
  record: ApiLogRecord | undefined
}

/**
 * What the whole process shares. An ESM and a CommonJS copy of this package can meet in one process, so it
 * hangs on `globalThis` rather than in a module.
 */
export interface ProcessState {
  /** True while a bridge is at work: a log call made from inside is our own doing and is left out. */
  busy: boolean
  /** True while the bridge at work sends of objects what their `util.inspect.custom` shows. */
  obeysInspectCustom: boolean
  /** The millisecond of the last call of `now`, and how many calls it had before in this millisecond. */
  readonly clock: { millis: number; calls: number }
  /** Set on the asynchronous paths of an export. Not OpenTelemetry's Context, which takes a ContextManager to work. */
  readonly exporting: AsyncLocalStorage<true>
  /** Kept so that a log call which comes in two ways is noticed. */
  lastSent: SentRecord | undefined
  /** Kinds of complaint already made, and when, by the monotonic clock. */
  readonly diagnosed: Map<string, number>
  /** Each takes secrets out of a text. */
  readonly hiding: Set<(text: string) => string>
  readonly early: {
    records: EarlyRecord[]
    /** Memory that they hold, about. */
    bytes: number
    overflow: number
    /** Whether OpenTelemetry is switched off, once it has been asked. */
    disabled?: boolean | undefined
    timer: NodeJS.Timeout | undefined
    waitedMillis: number
  }
}

const KEY = Symbol.for('logbridge.state.1')
const holder = globalThis as { [KEY]?: ProcessState }

export const state: ProcessState = (holder[KEY] ??= {
  busy: false,
  obeysInspectCustom: false,
  clock: { millis: 0, calls: 0 },
  exporting: new AsyncLocalStorage(),
  lastSent: undefined,
  diagnosed: new Map(),
  hiding: new Set(),
  early: { records: [], bytes: 0, overflow: 0, timer: undefined, waitedMillis: 0 },
})
