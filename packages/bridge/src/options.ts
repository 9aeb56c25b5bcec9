import { closestName } from './closestName.ts'
import { LogbridgeError } from './error.ts'
import type { BridgeOptions } from './types.ts'

/** Rule for the value of an option. */
export interface OptionRule {
  /** Accepted values, for the error message. */
  readonly accepts: string
  test(value: unknown): boolean
  /** Names the fault of an invalid value, as the object of "option NAME has", in words that repeat no secret. */
  problem?(value: unknown): string | undefined
  /** True hides strings in error messages and shows their length instead. */
  readonly secret?: boolean
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const hasMethod = (value: unknown, name: string): boolean =>
  isObject(value) && typeof (value as Record<string, unknown>)[name] === 'function'
const isStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')

const isSeverity = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 24

/** Names the first invalid item of an array or an object: `an item 2 that is an object`. */
export function wrongItem(items: unknown, isValid: (item: unknown) => boolean): string | undefined {
  if (!isObject(items)) return undefined
  const [name, item] = Object.entries(items).find(([, value]) => !isValid(value)) ?? []
  return name === undefined
    ? undefined
    : `${Array.isArray(items) ? 'an item' : 'a value of'} ${shownName(name)} that is ${show(item)}`
}

type RuleName =
  | 'string'
  | 'boolean'
  | 'function'
  | 'object'
  | 'strings'
  | 'array'
  | 'count'
  | 'millis'
  | 'port'
  | 'loggerProvider'
  | 'level'
  | 'severityTable'
  | 'redact'
  | 'scope'

/** Rules that options share, by the kind of value. */
export const rules: Readonly<Record<RuleName, OptionRule>> = {
  string: { accepts: 'a non-empty string', test: (value) => typeof value === 'string' && value !== '' },
  boolean: { accepts: 'true or false', test: (value) => typeof value === 'boolean' },
  function: { accepts: 'a function', test: (value) => typeof value === 'function' },
  object: { accepts: 'an object', test: (value) => isObject(value) && !Array.isArray(value) },
  strings: {
    accepts: 'an array of strings',
    test: isStrings,
    problem: (value) => wrongItem(value, (item) => typeof item === 'string'),
  },
  array: { accepts: 'an array', test: (value) => Array.isArray(value) },
  count: {
    accepts: 'a whole number greater than 0',
    test: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  millis: {
    accepts: 'a number of milliseconds from 0 to 2147483647',
    test: (value) => typeof value === 'number' && value >= 0 && value <= 2 ** 31 - 1,
  },
  port: {
    accepts: 'a port number from 0 to 65535',
    test: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535,
  },
  loggerProvider: {
    accepts: 'a LoggerProvider (an object with a getLogger method)',
    test: (value) => hasMethod(value, 'getLogger'),
  },
  level: {
    accepts: 'a level of the library, by name or number',
    test: (value) => (typeof value === 'string' && value !== '') || Number.isFinite(value),
  },
  severityTable: {
    accepts: 'an object of level names and severity numbers from 1 to 24',
    test: (value) => isObject(value) && Object.values(value).every(isSeverity),
    problem: (value) => (rules.object.test(value) ? wrongItem(value, isSeverity) : undefined),
  },
  redact: {
    accepts: 'an array of paths, or a function',
    test: (value) => typeof value === 'function' || isStrings(value),
  },
  scope: {
    accepts: 'a non-empty string, or a function',
    test: (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
  },
}

/** Makes a rule that accepts the given strings. */
export function oneOf(...values: string[]): OptionRule {
  return {
    accepts: values.map((value) => `'${value}'`).join(' or '),
    test: (value) => values.includes(value as string),
  }
}

/**
 * Checks the names and values of options. An option with the value `undefined` counts as omitted.
 *
 * @param owner function or package that has the options, for the message: `@logbridge/pino`
 * @param options options as the application passed them
 * @param allowed rules by the name of the option
 * @param elsewhere names of options at other places, of which a message suggests the one that an unknown name may mean
 * @throws LogbridgeError `INVALID_OPTION`: names the option, what it accepts, and what was given
 */
export function checkOptions(
  owner: string,
  options: unknown,
  allowed: Readonly<Record<string, OptionRule>>,
  elsewhere: readonly string[] = [],
): void {
  if (options === undefined) return
  if (!rules.object.test(options)) {
    throw new LogbridgeError('INVALID_OPTION', `${owner}: options must be an object, not ${show(options)}`)
  }
  for (const [name, value] of Object.entries(options as object)) {
    const rule = Object.hasOwn(allowed, name) ? allowed[name] : undefined
    if (rule === undefined) {
      const known = Object.keys(allowed)
      const close = closestName(name, [...known, ...elsewhere])
      throw new LogbridgeError(
        'INVALID_OPTION',
        `${owner}: there is no option ${shownName(name)}; ${close ? `did you mean ${close}? The` : 'the'} options are ${known.join(', ')}`,
      )
    }
    if (value !== undefined && !rule.test(value)) {
      const problem = rule.problem?.(value)
      throw new LogbridgeError(
        'INVALID_OPTION',
        `${owner}: option ${name} ${problem ? `has ${problem}` : `is ${show(value, rule.secret)}`}; it accepts ${rule.accepts}`,
      )
    }
  }
}

/** Rules of `BridgeOptions`. An adapter adds rules for its other options. */
export const bridgeOptionRules: Readonly<Record<keyof BridgeOptions, OptionRule>> = {
  loggerProvider: rules.loggerProvider,
  level: rules.level,
  severity: rules.severityTable,
  attributes: rules.object,
  include: rules.strings,
  exclude: rules.strings,
  redact: rules.redact,
  scope: rules.scope,
  scopeVersion: rules.string,
  scopeSchemaUrl: rules.string,
  scopeAttributes: rules.object,
  captureTemplate: rules.boolean,
  captureCode: rules.boolean,
  flushTimeoutMillis: rules.millis,
  onError: rules.function,
}

/**
 * Tests if an error message may show a text. A long text, `://`, `-----`, `@`, or `=` may be part of a secret: a URL with credentials, a header,
 * a private key. A line break or another control character may forge a line of a log.
 */
export function isPlainText(text: string): boolean {
  return text.length <= 40 && !/:\/\/|-----|[@=\p{C}\p{Zl}\p{Zp}]/u.test(text)
}

function shownName(name: string): string {
  return isPlainText(name) ? name : describeLength(name)
}

function describeLength(text: string): string {
  return `a string of ${text.length} characters`
}

/** Describes a value in a few words. The fields of an object stay hidden, because they may hold secrets. */
function show(value: unknown, secret = false): string {
  if (typeof value === 'string') return secret || !isPlainText(value) ? describeLength(value) : `'${value}'`
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a value of type ${typeof value}`
}
