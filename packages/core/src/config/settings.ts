import { checkOptions, LogbridgeError, oneOf, type OptionRule, rules } from '@logbridge/bridge'
import { isPlainText, warnOnce, wrongItem } from '@logbridge/bridge/internal'
import { MAX_TIMER_MILLIS } from '../process/timers.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Values that a setting accepts, as an option or as the text of a variable. */
export interface OptionType<T> extends OptionRule {
  /**
   * Converts the text of a variable. `test` checks the result; `undefined` means that the text is invalid.
   * `resolveOptions` skips the variables of a type without `parse`: another module reads them.
   */
  parse?(text: string): T | undefined
  /** Explains why a text is invalid, in words that repeat no secret. */
  textProblem?(text: string): string | undefined
}

/** One row of configuration: an option, the variables that replace it in order of precedence, and its default. */
export interface Setting<T> {
  readonly type: OptionType<T>
  readonly variables: readonly string[]
  readonly default: T
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>
export type Resolved<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never
}

/** Variable without an option. */
export interface Variable<T> {
  readonly name: string
  /** Meaning, for README.md. */
  readonly text: string
  readonly type: OptionType<T>
  readonly default: T
}

/** Variable without an option that lists words (`a,b`), or is `none`. */
export interface ListVariable<Word extends string> {
  readonly name: string
  /** Meaning, for README.md. */
  readonly text: string
  readonly words: readonly Word[]
  readonly default: readonly Word[]
}

const OWNER = '@logbridge/core'

const wholeNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)
const decimal = (text: string): number | undefined => (/^\d/.test(text) ? Number(text) : undefined)

// Types that several settings share.
export const anyText: OptionType<string> = { ...rules.string, parse: (value) => value }
export const count: OptionType<number> = { ...rules.count, parse: wholeNumber }
export const millis: OptionType<number> = { ...rules.millis, parse: decimal }
export const duration: OptionType<number> = {
  accepts: `a number of milliseconds from 1 to ${MAX_TIMER_MILLIS}`,
  test: (value) => typeof value === 'number' && value >= 1 && value <= MAX_TIMER_MILLIS,
  parse: decimal,
}
/** Timeout in milliseconds. 0 means no limit. https://opentelemetry.io/docs/specs/otel/configuration/common/#timeout */
export const timeout: OptionType<number> = { ...rules.millis, parse: decimal }
export const limit: OptionType<number> = {
  accepts: 'a whole number, 0 or more, or Infinity',
  test: (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
  parse: (text) => (/^infinity$/i.test(text) ? Infinity : wholeNumber(text)),
}

/**
 * Accepts `true` and `false`. A variable may have them in any case; another text is ignored with a warning.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#boolean-value
 */
export const booleanText: OptionType<boolean> = {
  accepts: "'true' or 'false'",
  test: (value) => typeof value === 'boolean',
  parse: (text) => ({ true: true, false: false })[text.toLowerCase()],
}

/** Accepts one of these words. The text of a variable may be in any case. */
export function enumOf<T extends string>(...words: T[]): OptionType<T> {
  return { ...oneOf(...words), parse: (text) => text.toLowerCase() as T }
}

/**
 * Accepts an array in which each item has the method.
 * @param items name of the items, for messages
 */
export function arrayOf(items: string, method: string): OptionRule {
  return {
    accepts: `an array of ${items}`,
    test: (value) => Array.isArray(value) && value.every((item) => hasMethod(item, method)),
    problem: (value) =>
      Array.isArray(value) ? wrongItem(value, (item) => hasMethod(item, method)) : undefined,
  }
}

export function hasMethod(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[name] === 'function'
  )
}

/** Joins the path of an object of options and a name. The path of the outermost options is ''. */
export function at(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** Creates the error of an invalid option. */
export function invalidOption(message: string, options?: ErrorOptions): LogbridgeError {
  return new LogbridgeError('INVALID_OPTION', `${OWNER}: ${message}`, options)
}

/** Extracts the rules of a table, for `checkOptionsAt`. */
export function rulesOf(table: SettingTable): Record<string, OptionRule> {
  return Object.fromEntries(Object.entries(table).map(([name, { type }]) => [name, type]))
}

/**
 * Checks the options at a path (`logs`) of the options that the application gave. A message names an option by its path,
 * as in `logs.maxQueueSize`.
 * @param elsewhere see `checkOptions`
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function checkOptionsAt(
  path: string,
  options: unknown,
  allowed: Record<string, OptionRule>,
  elsewhere?: readonly string[],
): void {
  if (path === '' || options === undefined) return checkOptions(OWNER, options, allowed, elsewhere)
  checkOptions(OWNER, { [path]: options }, { [path]: rules.object })
  const prefixed = <T>(object: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [at(path, name), value]))
  checkOptions(OWNER, prefixed(options as Record<string, unknown>), prefixed(allowed))
}

/** Resolves each row of a table to the option, else the first valid variable, else the default. Expects checked options. */
export function resolveOptions<Table extends SettingTable>(
  table: Table,
  options: Readonly<Record<string, unknown>>,
  env: Environment,
): Resolved<Table> {
  const resolved: Record<string, unknown> = {}
  for (const [name, { type, variables, default: defaultValue }] of Object.entries(table)) {
    resolved[name] = options[name] ?? (type.parse && readVariable(env, variables, type)) ?? defaultValue
  }
  return resolved as Resolved<Table>
}

/** Reads the first of these variables that has a valid value. An empty variable counts as not set. */
export function readVariable<T>(
  env: Environment,
  names: readonly string[],
  type: OptionType<T>,
): T | undefined {
  for (const name of names) {
    const text = env[name]?.trim()
    if (text === undefined || text === '') continue
    const value = type.parse?.(text)
    if (value !== undefined && type.test(value)) return value
    warnIgnored(name, text, type)
  }
  return undefined
}

/** Reads a variable without an option. */
export function resolveVariable<T>({ name, type, default: defaultValue }: Variable<T>, env: Environment): T {
  return readVariable(env, [name], type) ?? defaultValue
}

/**
 * Reads a list of words. Repeated words count once; unknown words are ignored with a warning.
 * @returns `[]` when the list contains `none`, the default when the list has no known word
 */
export function resolveList<Word extends string>(
  { name, words, default: defaultWords }: ListVariable<Word>,
  env: Environment,
): readonly Word[] {
  const items = new Set((env[name] ?? '').split(',').map((item) => item.trim().toLowerCase()))
  items.delete('')
  if (items.has('none')) return []
  const recognized: Word[] = []
  for (const item of items) {
    if (words.includes(item as Word)) recognized.push(item as Word)
    else
      warnOnce(
        name,
        `${name}: ${isPlainText(item) ? `'${item}'` : 'an item'} is ignored; ${name} accepts ${[...words, 'none'].join(', ')}`,
      )
  }
  return recognized.length > 0 ? recognized : defaultWords
}

/** Warns once that the value of a variable is invalid. A value that may be secret is not shown. */
function warnIgnored(
  name: string,
  text: string,
  { accepts, secret, textProblem }: OptionType<unknown>,
): void {
  const shown = secret || !isPlainText(text) ? 'its value' : `'${text}'`
  const problem = textProblem?.(text)
  warnOnce(name, `${name} is ignored: ${shown} ${problem ? `has ${problem}` : `is not ${accepts}`}`)
}

/**
 * Reads `key1=value1,key2=value2`, percent-encoded as W3C Baggage. Returns `undefined` when any pair is malformed.
 * https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
 */
export function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: [string, string][] = []
  for (const part of text.split(',')) {
    if (part.trim() === '') continue
    const separator = part.indexOf('=')
    if (separator < 0) return undefined
    try {
      const key = decodeURIComponent(part.slice(0, separator).trim())
      if (key === '') return undefined
      pairs.push([key, decodeURIComponent(part.slice(separator + 1).trim())])
    } catch {
      return undefined
    }
  }
  return Object.fromEntries(pairs)
}
