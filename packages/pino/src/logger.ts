/**
 * Settings of a logger that its lines are read by: `messageKey`, `errorKey`, `nestedKey`, levels. They are read from the logger,
 * so that the application need not repeat them.
 */
import { warnOfOfficial } from '@logbridge/bridge/internal'

/** Type of pino's `logger.levels`. */
export interface Levels {
  /** Numbers by name. */
  readonly values: Readonly<Record<string, number>>
  /** Names by number. */
  readonly labels: Readonly<Record<number, string>>
}

/** Settings that decide how a logger writes its lines. */
export interface LineConfig {
  readonly messageKey: string
  readonly errorKey: string
  readonly nestedKey?: string | null | undefined
  readonly levels: Levels
  /**
   * Text before the message in a line, `,"msg":"`. `undefined` when the message's key has another meaning as well.
   */
  readonly messageStart: string | undefined
}

/** Configuration of a logger as pino sends it to its worker. */
export type LoggerConfig = Omit<LineConfig, 'messageStart'>

/** Keys with a fixed meaning. `errorKey` and `nestedKey` are set by the application. */
const KNOWN_KEY = /^(?:level|time|name|err|error|trace_id|span_id|trace_flags)$/

export function lineConfig(config: LoggerConfig): LineConfig {
  const { messageKey, errorKey, nestedKey } = config
  const isKnown = KNOWN_KEY.test(messageKey) || messageKey === errorKey || messageKey === nestedKey
  return { ...config, messageStart: isKnown ? undefined : `,"${messageKey}":"` }
}

/** pino's defaults. https://getpino.io/#/docs/api?id=options */
export const DEFAULTS: LineConfig = lineConfig({
  messageKey: 'msg',
  errorKey: 'err',
  levels: {
    values: { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 },
    labels: { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' },
  },
})

/** pino logger. The adapter reads the properties that `pino.symbols` names. */
export interface PinoLogger {
  readonly levels: Levels
  /** Methods of the levels, e.g. `info`. */
  readonly [level: string]: unknown
  readonly [symbol: symbol]: unknown
}

/** Start of the descriptions of pino's symbols. */
const PREFIX = 'pino.'

/** Symbols under which a copy of pino keeps settings on a logger, by their names in `pino.symbols`. */
export type Symbols = Readonly<Record<string, symbol>>

/** Reader for the settings of loggers of any copy of pino. */
export interface LoggerReader {
  config(logger: PinoLogger | undefined): LineConfig
  /** Returns the symbols of the logger's copy of pino; `undefined` when the logger is of another library. */
  symbols(logger: PinoLogger): Symbols | undefined
  /**
   * Returns the `name` of `pino({ name })` or `logger.child({ name })` when the line has it as well, because a `streamWrite`
   * hook may hide the name.
   */
  name(logger: PinoLogger, text: string): string | undefined
}

/**
 * Creates a reader. The symbols are read from a logger, once for each copy of pino, because each copy has other symbols and a
 * framework may bring its own copy.
 */
export function createLoggerReader(): LoggerReader {
  let symbols: Symbols | undefined
  let lastConfig = DEFAULTS
  let lastBindings: unknown
  let lastName: string | undefined
  let lastNameField = ''

  function symbolsOf(logger: PinoLogger): Symbols | undefined {
    if (!symbols || logger[symbols['messageKey']!] === undefined) {
      symbols = findSymbols(logger)
      if (symbols) warnOfInstrumentation(logger)
    }
    return symbols
  }

  function readConfig(logger: PinoLogger): LineConfig {
    const found = symbolsOf(logger)
    if (!found) return DEFAULTS
    return lineConfig({
      messageKey: logger[found['messageKey']!] as string,
      errorKey: logger[found['errorKey']!] as string,
      nestedKey: logger[found['nestedKey']!] as string | null,
      levels: logger.levels,
    })
  }

  function config(logger: PinoLogger | undefined): LineConfig {
    if (logger === undefined) return DEFAULTS
    // Loggers with the same `levels` object are parent and child, with the same settings: `pnpm bench pino`.
    if (logger.levels !== lastConfig.levels) lastConfig = readConfig(logger)
    return lastConfig
  }

  return {
    config,
    symbols: symbolsOf,
    name(logger, text) {
      config(logger)
      const bindings = symbols && logger[symbols['chindings']!]
      if (bindings !== lastBindings) {
        lastBindings = bindings
        lastName = typeof bindings === 'string' ? nameIn(bindings) : undefined
        lastNameField = `"name":${JSON.stringify(lastName)}`
      }
      return lastName && text.includes(lastNameField) ? lastName : undefined
    },
  }
}

/** Finds the symbols on the logger, its parents, and the prototype of all loggers. */
function findSymbols(logger: object): Symbols | undefined {
  const found: Record<string, symbol> = {}
  for (let object: object | null = logger; object; object = Object.getPrototypeOf(object) as object | null) {
    for (const symbol of Object.getOwnPropertySymbols(object)) {
      const { description = '' } = symbol
      if (description.startsWith(PREFIX)) found[description.slice(PREFIX.length)] = symbol
    }
  }
  return found['messageKey'] && found['chindings'] ? found : undefined
}

/** Reads the name from the fields of a logger, which pino keeps as JSON: `,"pid":1,"name":"shop"`. */
function nameIn(bindings: string): string | undefined {
  if (!bindings.includes('"name":')) return undefined
  try {
    const { name } = JSON.parse(`{${bindings.slice(1)}}`) as { name?: unknown }
    return typeof name === 'string' ? name : undefined
  } catch {
    // pino 9 does not escape a child's keys, so that its lines are no JSON.
    return undefined
  }
}

/** Returns the stream that a logger writes to; `undefined` for any other object. */
export function streamOf(logger: object): object | undefined {
  const symbol = findSymbols(logger)?.['stream']
  return symbol && ((logger as PinoLogger)[symbol] as object)
}

/** Stream of `@opentelemetry/instrumentation-pino`, among others. */
interface Stream {
  _otelLogger?: Parameters<typeof warnOfOfficial>[2]
}

/** Warns when `@opentelemetry/instrumentation-pino` sends the same records: its stream stands beside the logger's in a `pino.multistream`. */
export function warnOfInstrumentation(logger: object): void {
  const multistream: { streams?: { stream: Stream }[] } | undefined = streamOf(logger)
  const official = multistream?.streams?.find(({ stream }) => stream.constructor?.name === 'OTelPinoStream')
  if (official === undefined) return
  const { _otelLogger: officialLogger } = official.stream
  warnOfOfficial('pino', '@opentelemetry/instrumentation-pino', officialLogger)
}
