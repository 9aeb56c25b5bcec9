import { expected, type Comparison } from './query.ts'
import { RE2JS, RE2JSException } from '../vendor/re2js.ts'

const FLAGS: Readonly<Record<string, number>> = {
  i: RE2JS.CASE_INSENSITIVE,
  m: RE2JS.MULTILINE,
  s: RE2JS.DOTALL,
}
/** Compiled patterns of one thread. A query has few. */
const MAX_COMPILED = 64
const compiled = new Map<string, RE2JS>()

/**
 * Checks the pattern of a comparison.
 *
 * @throws QueryError with the reason
 */
export function checkPattern(comparison: Comparison): void {
  const { value, flags = '' } = comparison
  const unknown = flags.split('').find((flag) => FLAGS[flag] === undefined)
  if (unknown !== undefined)
    throw expected(`the flags i, m, or s after the pattern, not ${unknown},`, comparison)
  try {
    compile(value, flags)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw expected(`a pattern of RE2 (${error.message.replace('error parsing regexp: ', '')})`, comparison)
  }
}

/** Implements the SQL function `matches`: returns 1 when the text of a value in JSON matches, otherwise 0. */
export function matches(pattern: string, flags: string, json: string | null): 0 | 1 {
  if (json === null) return 0
  const text = json.startsWith('"') ? (JSON.parse(json) as string) : json
  return compile(pattern, flags).matcher(text).find() ? 1 : 0
}

/** Compiles a pattern for an engine that takes linear time. */
function compile(pattern: string, flags: string): RE2JS {
  const key = `${flags}/${pattern}`
  let expression = compiled.get(key)
  if (expression === undefined) {
    if (compiled.size === MAX_COMPILED) compiled.clear()
    const bits = flags.split('').reduce((sum, flag) => sum | FLAGS[flag]!, 0)
    expression = RE2JS.compile(pattern, bits)
    compiled.set(key, expression)
  }
  return expression
}
