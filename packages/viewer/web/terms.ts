/** Terms of the query language for values that the page shows. */
import type { Value } from './model.ts'

const PLAIN_VALUE = /^[\w./@+-][\w.:/@+-]*$/
const PLAIN_FIELD = /^[\w./@][\w./@-]*$/
const CONNECTIVE = /^(?:AND|OR|NOT)$/
/** Longest value that a term can have, well below the longest query. */
const MAX_VALUE_CHARACTERS = 1000

/** Returns the term of the records whose field has a value, or `undefined` for a value that no term names. */
export function termOf(field: string, value: Value): string | undefined {
  if (typeof value === 'object' && value !== null) return undefined
  const text = String(value)
  if (text.length > MAX_VALUE_CHARACTERS) return undefined
  // The value * stands for any value.
  if (text === '*') return `${fieldText(field)}=~/^\\*$/`
  return `${fieldText(field)}=${PLAIN_VALUE.test(text) ? text : quoted(text)}`
}

/** Returns the term of the records whose time lies between two times in milliseconds since the epoch. */
export function rangeTerm(from: number, to: number): string {
  return `time>=${new Date(from).toISOString()} time<${new Date(to).toISOString()}`
}

/** Reads a term of `rangeTerm`. */
export function rangeOf(term: string): { from: number; to: number } | undefined {
  const [, from = '', to = ''] = /^time>=(\S+) time<(\S+)$/.exec(term) ?? []
  const range = { from: Date.parse(from), to: Date.parse(to) }
  return Number.isNaN(range.from) || Number.isNaN(range.to) ? undefined : range
}

/** Returns the term of the messages of a pattern, whose `…` stands for any text. */
export function patternTerm(pattern: string): string {
  const expression = pattern
    .split('…')
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`))
    .join('.*')
  return `msg=~/^${expression}/s`
}

function fieldText(field: string): string {
  return PLAIN_FIELD.test(field) && !CONNECTIVE.test(field) ? field : quoted(field)
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
