import { AsyncLocalStorage } from 'node:async_hooks'
import type { DiagLogger } from '@opentelemetry/api'
import type { Loggers, ScopeDetails } from './provider.ts'
import type { SignalEnding } from './shutdownSignals.ts'
import type { ApiLogRecord, LoggerProvider } from './types.ts'

/** A record of the startup buffer, in plain values. */
export interface BufferedRecord {
  scope: string
  /** Absent in records of earlier versions of this package. */
  scopeDetails?: ScopeDetails | undefined
  record: ApiLogRecord
}

/** Last record that a bridge sent, with the library and the loggers of the bridge. */
export interface SentRecord {
  readonly library: string
  readonly loggers: Loggers
  native: unknown
  record: ApiLogRecord | undefined
  /** Library whose record had the text of the last line of the console. The stack of the next line shows if the library prints lines. */
  suspect?: string | undefined
  /** Record of a line of the console that the library `printedBy` has printed. */
  printed?: ApiLogRecord | undefined
  printedBy?: string | undefined
}

/** Watch of one signal, with the functions that the signal calls. */
export interface SignalWatch {
  readonly endings: Set<SignalEnding>
  readonly listener: () => void
}

/**
 * State that all copies of this package in a thread share: its ES module, its CommonJS module, and other versions of it. The state is a property
 * of `globalThis`, because the copies share nothing else.
 *
 * A field keeps its name and its meaning in all versions. A later version may add fields: when an earlier version has created the state, the later
 * version adds its fields to that state.
 */
export interface ProcessState {
  /** True while a bridge emits a record. Log calls made meanwhile are ignored, because the bridge or the provider makes these calls. */
  isEmitting: boolean
  /** `Adapter.obeysInspectCustom` of the bridge that emits a record. */
  obeysInspectCustom: boolean
  /** Time of the last call of `now` (`time.ts`) in milliseconds, and the number of earlier calls in this millisecond. */
  readonly clock: { millis: number; calls: number }
  /** True on the asynchronous paths of an export, where log calls are suppressed. OpenTelemetry's Context would need a ContextManager. */
  readonly loggingSuppressed: AsyncLocalStorage<true>
  /** Last record of any bridge, kept to find a log call that reaches one LoggerProvider by two adapters. */
  lastSent: SentRecord | undefined
  /** Time of the last warning by its key, in milliseconds of the monotonic clock. */
  readonly lastWarned: Map<string, number>
  /** Exception that a LoggerProvider has just recorded, while the handlers of `uncaughtException` run. */
  uncaught: { readonly thrown: unknown; readonly loggerProvider: LoggerProvider } | undefined
  /** DiagLogger that prints warnings by `writeToStderr` itself. */
  printingDiagLogger: DiagLogger | undefined
  /** Functions that remove secrets from the text of an error. */
  readonly secretFilters: Set<(text: string) => string>
  readonly startupBuffer: {
    records: BufferedRecord[]
    /** Approximate memory of `records`. */
    bytes: number
    /** Number of records that were dropped because the startup buffer had no space for them. */
    overflow: number
    /** The value of OTEL_SDK_DISABLED; `undefined` until the variable is read. */
    isDisabled: boolean | undefined
    /** Looks for a registered LoggerProvider while the startup buffer has records. */
    timer: NodeJS.Timeout | undefined
    /** Time that `timer` has run. */
    waitedMillis: number
    /** True after the shutdown of `@logbridge/core`, until another LoggerProvider is registered. */
    isShutDown: boolean
    /** Sentence of the warning about a missing LoggerProvider; `undefined` for that of an application that attaches adapters by code. */
    advice: string | undefined
  }
  /** Without shared watches, each copy would count the listeners of other copies as handlers of the application. */
  readonly shutdownSignals: {
    readonly watches: Map<NodeJS.Signals, SignalWatch>
    /** True since the first signal that ends the process. */
    ending: boolean
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
  uncaught: undefined,
  printingDiagLogger: undefined,
  secretFilters: new Set(),
  startupBuffer: {
    records: [],
    bytes: 0,
    overflow: 0,
    isDisabled: undefined,
    timer: undefined,
    waitedMillis: 0,
    isShutDown: false,
    advice: undefined,
  },
  shutdownSignals: { watches: new Map(), ending: false },
}

export const state: ProcessState = (holder[KEY] ??= initial)
addMissingFields(state, initial)
addMissingFields(state.clock, initial.clock)
addMissingFields(state.startupBuffer, initial.startupBuffer)
addMissingFields(state.shutdownSignals, initial.shutdownSignals)

/** Adds the fields that an earlier version of this package, which created the state, did not have. */
function addMissingFields<Fields extends object>(shared: Fields, fields: Fields): void {
  for (const [name, value] of Object.entries(fields)) {
    if (!(name in shared)) Object.assign(shared, { [name]: value })
  }
}

/**
 * Runs a function that exports telemetry or writes a warning. Log calls that the function causes are not recorded, on asynchronous paths too,
 * because each record would cause the next export or warning.
 */
export function withLoggingSuppressed<T>(run: () => T): T {
  return state.loggingSuppressed.run(true, run)
}

/** Returns true for a log call that a function in `withLoggingSuppressed` causes. */
export function isLoggingSuppressed(): boolean {
  return state.loggingSuppressed.getStore() === true
}
