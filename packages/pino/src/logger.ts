/**
 * What has to be known of a logger to read its lines: pino's `messageKey`, `errorKey`, `nestedKey` and levels. In
 * process the logger itself is asked, so that no option has to be repeated.
 */
import { warnOfOfficial } from '@logbridge/bridge/internal'

/** pino's `logger.levels`. */
export interface Levels {
  /** By name. */
  readonly values: Readonly<Record<string, number>>
  /** By number. */
  readonly labels: Readonly<Record<number, string>>
}

/** How a logger writes its lines. */
export interface LineConfig {
  readonly messageKey: string
  readonly errorKey: string
  readonly nestedKey?: string | null | undefined
  readonly levels: Levels
  /**
   * How the message begins in a line: `,"msg":"`. `undefined` where the key is also that of a field that is looked at for
   * something else.
   */
  readonly messageStart: string | undefined
}

/** What pino tells of a logger. */
export type LoggerConfig = Omit<LineConfig, 'messageStart'>

/** Fields that have a meaning of their own, beside the error's and the nested ones. */
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

/** A pino logger, of which the adapter reads what `pino.symbols` names. */
export interface PinoLogger {
  readonly levels: Levels
  readonly [symbol: symbol]: unknown
}

/** The keys under which one copy of pino keeps its settings on a logger, by their names in `pino.symbols`. */
type Symbols = Readonly<Record<string, symbol>>

/** Reads the settings of loggers, of any copy of pino. */
export interface LoggerReader {
  config(logger: PinoLogger | undefined): LineConfig
  /**
   * The `name` among the logger's own fields: of `pino({ name })` or of `logger.child({ name })`. Only if it is in the
   * text of the line as well: a `streamWrite` hook may have hidden it.
   */
  name(logger: PinoLogger, text: string): string | undefined
}

/**
 * Each copy of pino has symbols of its own, and the logger's copy is often not the one that is found from here (a
 * framework brings its own). So they are taken from the logger, once for each copy.
 */
export function createLoggerReader(): LoggerReader {
  let symbols: Symbols | undefined
  let lastConfig = DEFAULTS
  let lastBindings: unknown
  let lastName: string | undefined
  let lastNameField = ''

  function readConfig(logger: PinoLogger): LineConfig {
    if (!symbols || logger[symbols['messageKey']!] === undefined) {
      symbols = findSymbols(logger)
      if (!symbols) return DEFAULTS
      warnOfInstrumentation(logger)
    }
    return lineConfig({
      messageKey: logger[symbols['messageKey']!] as string,
      errorKey: logger[symbols['errorKey']!] as string,
      nestedKey: logger[symbols['nestedKey']!] as string | null,
      levels: logger.levels,
    })
  }

  function config(logger: PinoLogger | undefined): LineConfig {
    if (logger === undefined) return DEFAULTS
    // A logger shares its levels with its children alone, and with them all of this. 13 ns rather than 75.
    if (logger.levels !== lastConfig.levels) lastConfig = readConfig(logger)
    return lastConfig
  }

  return {
    config,
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

function findSymbols(logger: object): Symbols | undefined {
  // A child inherits from its parent: the settings stand on the first of them.
  for (let object: object | null = logger; object; object = Object.getPrototypeOf(object) as object | null) {
    const symbols = Object.getOwnPropertySymbols(object).map(
      (symbol) => [symbol.description?.replace('pino.', ''), symbol] as const,
    )
    const found = Object.fromEntries(symbols)
    if (found['messageKey'] && found['chindings']) return found
  }
  return undefined
}

/** pino keeps the fields of a logger as the piece of JSON that they are in each line: `,"pid":1,"name":"shop"`. */
function nameIn(bindings: string): string | undefined {
  if (!bindings.includes('"name":')) return undefined
  try {
    const { name } = JSON.parse(`{${bindings.slice(1)}}`) as { name?: unknown }
    return typeof name === 'string' ? name : undefined
  } catch {
    // pino 9 does not escape a child's keys, and nobody can read its lines.
    return undefined
  }
}

/** The stream that a logger writes to; `undefined` for what is no logger. */
export function streamOf(logger: object): object | undefined {
  const symbol = findSymbols(logger)?.['stream']
  return symbol && ((logger as PinoLogger)[symbol] as object)
}

/** `@opentelemetry/instrumentation-pino` puts its own stream and the logger's into a `pino.multistream`. */
export function warnOfInstrumentation(logger: object): void {
  const multistream: { streams?: { stream: object }[] } | undefined = streamOf(logger)
  if (multistream?.streams?.some(({ stream }) => stream.constructor?.name === 'OTelPinoStream'))
    warnOfOfficial('pino', '@opentelemetry/instrumentation-pino', '. Set its option disableLogSending: true')
}
