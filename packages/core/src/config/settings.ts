import { checkOptions, oneOf, type OptionRule, rules } from '@logbridge/bridge'
import { warnOnce, isPlainText } from '@logbridge/bridge/internal'

export type Environment = Readonly<Record<string, string | undefined>>

/** What a setting may be: given as an option, or as the text of a variable. */
export interface OptionType<T> extends OptionRule {
  /** `undefined` when the text is not of this kind; what it returns must pass `test`, too. */
  parse?(text: string): T | undefined
}

/** One rule of configuration: the option, else the first of its variables that is set, else the default. */
export interface Setting<T> {
  readonly type: OptionType<T>
  readonly variables: readonly string[]
  readonly default: T
}

export type SettingTable = Readonly<Record<string, Setting<unknown>>>
export type Resolved<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never
}

export function setting<T>(kind: OptionType<T>, variables: readonly string[], fallback: T): Setting<T> {
  return { type: kind, variables, default: fallback }
}

const OWNER = '@logbridge/core'
/** What a timer of Node can take. */
export const MAX_TIMER_MILLIS: number = 2 ** 31 - 1

const wholeNumber = (text: string): number | undefined => (/^\d+$/.test(text) ? Number(text) : undefined)

/** Kinds of values that settings share. */
export const count: OptionType<number> = { ...rules.count, parse: wholeNumber }
export const millis: OptionType<number> = { ...rules.millis, parse: wholeNumber }
export const duration: OptionType<number> = {
  accepts: `a number of milliseconds from 1 to ${MAX_TIMER_MILLIS}`,
  test: (value) => typeof value === 'number' && value >= 1 && value <= MAX_TIMER_MILLIS,
  parse: wholeNumber,
}
export const limit: OptionType<number> = {
  accepts: 'a whole number, 0 or more, or Infinity',
  test: (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
  parse: wholeNumber,
}

/** One of a few words; as the text of a variable in any case. */
export function enumOf<T extends string>(...words: T[]): OptionType<T> {
  return { ...oneOf(...words), parse: (text) => text.toLowerCase() as T }
}

/** An array in which each item has one of the methods. */
export function arrayOf(what: string, ...methods: string[]): OptionRule {
  return {
    accepts: `an array of ${what}`,
    test: (value) =>
      Array.isArray(value) && value.every((item) => methods.some((name) => hasMethod(item, name))),
  }
}

export function hasMethod(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[name] === 'function'
  )
}

/** The path of an option; '' is the user's options themselves. */
export function at(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

/** The rules of a table, for `checkOptionsAt`. */
export function rulesOf(table: SettingTable): Record<string, OptionRule> {
  return Object.fromEntries(Object.entries(table).map(([name, { type: kind }]) => [name, kind]))
}

/**
 * Checks options that stand at a path (`logs`) of the options that the user gave; as `at` has it.
 * @throws LogbridgeError `INVALID_OPTION`, naming the option by its path (`logs.maxQueueSize`)
 */
export function checkOptionsAt(path: string, options: unknown, allowed: Record<string, OptionRule>): void {
  if (path === '' || options === undefined) return checkOptions(OWNER, options, allowed)
  checkOptions(OWNER, { [path]: options }, { [path]: rules.object })
  const prefixed = <T>(object: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [at(path, name), value]))
  checkOptions(OWNER, prefixed(options as Record<string, unknown>), prefixed(allowed))
}

/** Settles every row of a table; options must have been checked. */
export function resolveOptions<Table extends SettingTable>(
  table: Table,
  options: Readonly<Record<string, unknown>>,
  env: Environment,
): Resolved<Table> {
  const settled: Record<string, unknown> = {}
  for (const [name, { type: kind, variables, default: fallback }] of Object.entries(table)) {
    settled[name] = options[name] ?? readVariable(env, variables, kind) ?? fallback
  }
  return settled as Resolved<Table>
}

/** The first of these variables that is set to something acceptable; an empty one counts as not set. */
export function readVariable<T>(
  env: Environment,
  names: readonly string[],
  kind: OptionType<T>,
): T | undefined {
  for (const name of names) {
    const text = env[name]?.trim()
    if (text === undefined || text === '') continue
    const value = kind.parse?.(text)
    if (value !== undefined && kind.test(value)) return value
    ignoreVariable(name, text, kind)
  }
  return undefined
}

/**
 * The known words of a list (`a,b`), each once; unknown ones are complained about and left out.
 * @returns `[]` when the list says `none`, `undefined` when it holds nothing
 */
export function readList<T extends string>(
  env: Environment,
  name: string,
  known: readonly T[],
): T[] | undefined {
  const words = new Set((env[name] ?? '').split(',').map((item) => item.trim().toLowerCase()))
  words.delete('')
  if (words.has('none')) return []
  const found: T[] = []
  for (const item of words) {
    if (known.includes(item as T)) found.push(item as T)
    else
      warnOnce(
        name,
        `${name}: ${isPlainText(item) ? `'${item}'` : 'a part of it'} is ignored; it accepts ${[...known, 'none'].join(', ')}`,
      )
  }
  return found.length > 0 ? found : undefined
}

/** Whether a variable is `true`, in any case; the specification has every other value mean false. */
export function readBoolean(env: Environment, names: readonly string[]): boolean | undefined {
  const text = readVariable(env, names, enumOf('true', 'false'))
  return text === undefined ? undefined : text === 'true'
}

/** Says once a variable that its value is of no use. */
function ignoreVariable(name: string, text: string, { accepts, secret }: OptionType<unknown>): void {
  const shown = secret || !isPlainText(text) ? 'its value' : `'${text}'`
  warnOnce(name, `${name} is ignored: ${shown} is not ${accepts}`)
}

/**
 * Reads `key1=value1,key2=value2`, percent-encoded as W3C Baggage; `undefined` when any part of it is malformed.
 * https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable
 */
export function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: [string, string][] = []
  for (const part of text.split(',')) {
    if (part.trim() === '') continue
    const at = part.indexOf('=')
    if (at < 0) return undefined
    try {
      const key = decodeURIComponent(part.slice(0, at).trim())
      if (key === '') return undefined
      pairs.push([key, decodeURIComponent(part.slice(at + 1).trim())])
    } catch {
      return undefined
    }
  }
  return Object.fromEntries(pairs)
}
