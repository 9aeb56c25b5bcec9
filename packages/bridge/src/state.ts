import { AsyncLocalStorage } from 'node:async_hooks'
import type { Loggers } from './provider.ts'
import type { ApiLogRecord } from './types.ts'

/** A record of the startup buffer, in plain values. */
export interface BufferedRecord {
  scope: string
  record: ApiLogRecord
}

/** The record that a bridge sent last. */
export interface SentRecord {
  readonly library: string
  readonly loggers: Loggers
  native: unknown
  record: ApiLogRecord | undefined
}

/**
 * State of the whole process. It is a property of `globalThis`, because several copies of this package can meet in one process: its ES
 * module, its CommonJS module, and other versions of it.
 *
 * A field keeps its name and its meaning in all versions. A version may add fields: the copy that knows them creates them.
 */
export interface ProcessState {
  /** True while a bridge emits a record. Log calls made meanwhile are dropped, because the bridge or the provider makes them. */
  isEmitting: boolean
  /** `Adapter.obeysInspectCustom` of the bridge that emits a record. */
  obeysInspectCustom: boolean
  /** Millisecond of the last call of `now`, and the number of earlier calls in this millisecond. */
  readonly clock: { millis: number; calls: number }
  /** Set on the asynchronous paths of an export. OpenTelemetry's Context would need a ContextManager. */
  readonly loggingSuppressed: AsyncLocalStorage<true>
  /** Kept to find a log call that reaches OpenTelemetry by two adapters. */
  lastSent: SentRecord | undefined
  /** Time of the last warning by its key, in milliseconds of the monotonic clock. */
  readonly lastWarned: Map<string, number>
  /** Functions that remove secrets from the text of an error. */
  readonly secretFilters: Set<(text: string) => string>
  readonly startupBuffer: {
    records: BufferedRecord[]
    /** Approximate memory of `records`. */
    bytes: number
    /** Number of records that found no space. */
    overflow: number
    /** The value of OTEL_SDK_DISABLED; `undefined` until the variable is read. */
    isDisabled: boolean | undefined
    timer: NodeJS.Timeout | undefined
    waitedMillis: number
  }
}

const KEY = Symbol.for('logbridge.state.1')
const holder = globalThis as { [KEY]?: ProcessState }

const initial: ProcessState = {
  isEmitting: false,
  obeysInspectCustom: false,
  clock: { millis: 0, calls: 0 },
  loggingSuppressed: new AsyncLocalStorage(),
  lastSent: undefined,
  lastWarned: new Map(),
  secretFilters: new Set(),
  startupBuffer: {
    records: [],
    bytes: 0,
    overflow: 0,
    isDisabled: undefined,
    timer: undefined,
    waitedMillis: 0,
  },
}

export const state: ProcessState = (holder[KEY] ??= initial)
addMissingFields(state, initial)
addMissingFields(state.clock, initial.clock)
addMissingFields(state.startupBuffer, initial.startupBuffer)

/** Adds the fields that the version of this package which created the state did not know. */
function addMissingFields<Fields extends object>(shared: Fields, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (!(name in shared)) Object.assign(shared, { [name]: value })
  }
}
