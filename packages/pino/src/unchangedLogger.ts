/**
 * Loggers whose lines pino alone has made, without code or limits of the application: no `redact`, `nestedKey`, `formatters.log`,
 * `formatters.level`, `streamWrite`, `depthLimit`, or `edgeLimit`. Anything unknown counts as a change.
 */
import { TAKES_LINES } from '@logbridge/bridge/internal'
import { err as defaultSerializer } from 'pino-std-serializers'
import { parseObject } from '@logbridge/bridge/internal'
import { OWN_BASE } from './line.ts'
import type { LineConfig, LoggerReader, PinoLogger, Symbols } from './logger.ts'

/** Logger whose records are read from pino's metadata, but for the fields that have a serializer. */
export interface UnchangedLogger {
  readonly config: LineConfig
  /** Live object of pino, because an application can add a serializer at any time. */
  readonly serializers: Readonly<Record<string, unknown>>
  /** Fields of the logger and its parents, without pino's `base` and without `scope`. */
  readonly bindings: Readonly<Record<string, unknown>>
  /** Name of the logger, when it becomes the scope. */
  readonly scope: string | undefined
}

/** Result for a logger, and the objects that it holds for. */
interface Entry {
  readonly logger: PinoLogger
  /** Stream that the line has been written to. */
  readonly target: object
  /** Symbol of the fields of the logger. */
  readonly bindingsKey: symbol
  readonly bindings: unknown
  readonly hooks: Record<string, unknown>
  readonly formatters: Record<string, unknown>
  readonly unchanged: UnchangedLogger | undefined
}

/** Number of loggers whose results are kept. A WeakMap would take 1 us for each new child: `pnpm bench pino`. */
const MAX_RECENT = 8
/** Settings that `isUnchanged` tests. A child has its own, or those of its parent. */
const TESTED = [
  'asJson',
  'hooks',
  'lsCache',
  'messageKey',
  'nestedKey',
  'serializers',
  'stream',
  'stringifiers',
  'stringifySafe',
]
/** Other symbols of pino 8 to 10. They leave the values of a line as they are, or each logger is tested for them. */
const OTHERS =
  'chindings end errorKey formatOpts formatters getLevel levelComp levelVal mixin mixinMergeStrategy msgPrefix nestedKeyStr parsedChindings ' +
  'setLevel stringify time timeSliceIndex useOnlyCustomLevels write'
const KNOWN = new Set([...TESTED, ...OTHERS.split(' ')])
/** Value that pino's default limits, a depth of 5 and 100 fields, cut in both ways. */
const BEYOND_LIMITS: readonly unknown[] = [[[[[[0]]]]], ...Array<number>(101).fill(0)]
const CUT_TO_LIMITS: string = `[[[[["[Array]"]]]],${'0,'.repeat(99)}"... 1 item not stringified"]`

/**
 * Creates a function that returns the settings of a logger; `undefined` when its lines have to be read. The settings are read once for
 * each logger, and again when `setBindings` has changed its fields.
 * @param nameIsScope `false` when the option `scope` names the scope; a logger's name then stays an attribute
 */
export function createUnchangedLoggers(
  loggers: LoggerReader,
  nameIsScope: boolean,
): (logger: PinoLogger, target: object) => UnchangedLogger | undefined {
  const recent: Entry[] = []
  let next = 0
  let last: Entry | undefined
  let lastSymbols: Symbols | undefined
  let lastTarget: object | undefined
  let tested: readonly symbol[] = []
  let unknown: readonly symbol[] = []
  /** Values of the tested settings of the last logger, and the result. */
  let lastSettings: readonly unknown[] = []
  let wasUnchanged = false

  function createEntry(logger: PinoLogger, target: object, symbols: Symbols): Entry {
    const bindingsKey = symbols['chindings']!
    const bindings = logger[bindingsKey]
    const hooks = logger[symbols['hooks']!] as Record<string, unknown>
    const formatters = logger[symbols['formatters']!] as Record<string, unknown>
    const isWhole = isUnchanged(logger, target, symbols) && isUnset(formatters, 'level', 'bindings')
    const fields = isWhole && typeof bindings === 'string' ? parseBindings(bindings) : undefined
    let unchanged: UnchangedLogger | undefined
    if (fields !== undefined) {
      const { name } = fields
      const isScope = nameIsScope && typeof name === 'string' && name !== ''
      // A deleted field would make the object slow: `pnpm bench pino`.
      if (isScope) fields['name'] = undefined
      unchanged = {
        config: loggers.config(logger),
        serializers: logger[symbols['serializers']!] as Record<string, unknown>,
        bindings: fields,
        scope: isScope ? name : undefined,
      }
    }
    return { logger, target, bindingsKey, bindings, hooks, formatters, unchanged }
  }

  /** Tests a logger, or takes the result of the last logger for another one of the same settings. */
  function isUnchanged(logger: PinoLogger, target: object, symbols: Symbols): boolean {
    if (symbols !== lastSymbols || target !== lastTarget) {
      lastSymbols = symbols
      lastTarget = target
      tested = TESTED.map((name) => symbols[name]!)
      unknown = Object.keys(symbols)
        .filter((name) => !KNOWN.has(name))
        .map((name) => symbols[name]!)
      lastSettings = []
    }
    if (tested.some((symbol, index) => logger[symbol] !== lastSettings[index])) {
      lastSettings = tested.map((symbol) => logger[symbol])
      wasUnchanged =
        hasUnchangedSettings(logger, symbols) && writesUnchanged(logger[symbols['stream']!], target)
    }
    return wasUnchanged && unknown.every((symbol) => !logger[symbol])
  }

  function hasUnchangedSettings(logger: PinoLogger, symbols: Symbols): boolean {
    const get = (name: string): unknown => logger[symbols[name]!]
    return (
      // Another meaning of the message's key needs the order of the fields in the line.
      loggers.config(logger).messageStart !== undefined &&
      !get('nestedKey') &&
      isEmpty(get('stringifiers')) &&
      hasStringKeys(get('serializers')) &&
      hasUsualLevels(get('lsCache')) &&
      hasDefaultLimits(get('stringifySafe')) &&
      isUnset(get('hooks'), 'logMethod') &&
      get('asJson') === prototypeOf(logger, symbols)?.[symbols['asJson']!]
    )
  }

  function isCurrent(entry: Entry, logger: PinoLogger, target: object): boolean {
    return entry.logger === logger && entry.target === target && entry.bindings === logger[entry.bindingsKey]
  }

  return (logger, target) => {
    if (last === undefined || !isCurrent(last, logger, target)) {
      let entry = recent.find((each) => isCurrent(each, logger, target))
      if (entry === undefined) {
        const symbols = loggers.symbols(logger)
        if (symbols === undefined) return undefined
        entry = createEntry(logger, target, symbols)
        recent[next] = entry
        next = (next + 1) % MAX_RECENT
      }
      last = entry
    }
    // pino reads both for each record.
    return last.hooks['streamWrite'] || last.formatters['log'] ? undefined : last.unchanged
  }
}

/** Tests for the serializer of Errors that is pino's default. Copies of the package have different functions of one text. */
export function isDefaultSerializer(serializer: unknown): boolean {
  return serializer === defaultSerializer || hasDefaultText(serializer)
}

const defaultText = String(defaultSerializer)
let lastSerializer: unknown
let isLastDefault = false

function hasDefaultText(serializer: unknown): boolean {
  if (serializer !== lastSerializer) {
    lastSerializer = serializer
    isLastDefault =
      typeof serializer === 'function' && Function.prototype.toString.call(serializer) === defaultText
  }
  return isLastDefault
}

/** pino keeps the fields of a logger as JSON: `,"pid":1,"name":"shop"`. */
function parseBindings(json: string): Record<string, unknown> | undefined {
  const own = json.startsWith(OWN_BASE) ? json.slice(OWN_BASE.length) : json
  return own === '' ? {} : parseObject(`{${own.slice(1)}}`)
}

/** pino keeps the redaction of each field in `stringifiers`. */
function isEmpty(value: unknown): boolean {
  return isObject(value) && Reflect.ownKeys(value).length === 0
}

function hasStringKeys(value: unknown): boolean {
  return isObject(value) && Object.getOwnPropertySymbols(value).length === 0
}

/** pino keeps the start of the lines of each level, with the result of `formatters.level`. */
function hasUsualLevels(starts: unknown): boolean {
  return isObject(starts) && Object.entries(starts).every(([level, start]) => start === `{"level":${level}`)
}

function hasDefaultLimits(stringify: unknown): boolean {
  return typeof stringify === 'function' && stringify(BEYOND_LIMITS) === CUT_TO_LIMITS
}

/** Tests that no field is set, except those of two names. */
function isUnset(value: unknown, name: string, otherName?: string): boolean {
  if (!isObject(value)) return false
  for (const key in value) {
    if (key !== name && key !== otherName && (value as Record<string, unknown>)[key]) return false
  }
  return true
}

interface Stream {
  readonly write?: unknown
  readonly streams?: readonly { readonly stream: Stream }[]
  clone?(level: number): Stream
}

/**
 * Tests that pino itself writes to a stream: it is the logger's, or in its `pino.multistream`. Any other stream may pass on another text with the
 * metadata. A clone of a multistream has pino's `write`. `@logbridge/auto` takes the line from pino itself.
 */
function writesUnchanged(stream: unknown, target: object): boolean {
  if (stream === target || TAKES_LINES in target) return true
  const { write, streams } = stream as Stream
  return (
    Array.isArray(streams) &&
    write === (stream as Stream).clone?.(0).write &&
    (streams as { stream: unknown }[]).some((each) => writesUnchanged(each.stream, target))
  )
}

/** Returns pino's prototype of all loggers. */
function prototypeOf(logger: object, { getLevel }: Symbols): Record<symbol, unknown> | undefined {
  let object = logger
  while (object !== null && !Object.hasOwn(object, getLevel!))
    object = Object.getPrototypeOf(object) as object
  return object as Record<symbol, unknown>
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
