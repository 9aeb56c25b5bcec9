// An oracle for values by docs/mapping.md, which shares no code with the packages.

/** Expected value of a field that is omitted. */
export const OMITTED: unique symbol = Symbol('omitted')

/** Expected AnyValue. A string may have lone surrogates, a bigint fits int64. */
export type Expected =
  | string
  | number
  | bigint
  | boolean
  | null
  | typeof OMITTED
  | Uint8Array
  | Expected[]
  | Map<string, Expected>

/**
 * Builds a map with well-formed, distinct keys: `id`, `id#2`.
 * @param emptyKey name of a field with an empty key
 */
export function named(
  entries: readonly (readonly [string, Expected])[],
  emptyKey: string = '',
): Map<string, Expected> {
  const map = new Map<string, Expected>()
  for (const [given, expected] of entries) {
    const name = given === '' ? emptyKey : given.toWellFormed()
    let free = name
    for (let n = 2; map.has(free); n += 1) free = `${name}#${n}`
    map.set(free, expected)
  }
  return map
}

/** Builds the elements of an array, in which an omitted value is null. */
export function elements(expected: readonly Expected[]): Expected[] {
  return expected.map((each) => (each === OMITTED ? null : each))
}

/** Converts an expected value to the form of `comparable`: without omitted values, with truncated and well-formed strings. */
export function finalize(expected: Expected, limit: number = Infinity): unknown {
  if (typeof expected === 'string') return cut(expected, limit).toWellFormed()
  if (typeof expected === 'bigint') return exact(expected)
  if (expected === OMITTED) return null
  if (Array.isArray(expected)) return expected.map((each) => finalize(each, limit))
  if (!(expected instanceof Map)) return expected
  const present = [...expected].filter(([, each]) => each !== OMITTED)
  return new Map(present.map(([name, each]) => [name, finalize(each, limit)]))
}

function cut(content: string, limit: number): string {
  if (content.length <= limit) return content
  const whole = content.slice(0, limit)
  return /[\ud800-\udbff]$/.test(whole) ? whole.slice(0, -1) : whole
}

function exact(integer: bigint): number | string {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : `${integer}`
}

/** Converts an AnyValue for comparison: objects become Maps, so that any key is compared, and bigints become numbers or text. */
export function comparable(plain: unknown): unknown {
  if (typeof plain === 'bigint') return exact(plain)
  if (typeof plain !== 'object' || plain === null) return plain
  if (plain instanceof Uint8Array) return new Uint8Array(plain)
  if (Array.isArray(plain)) return plain.map(comparable)
  return new Map(Object.entries(plain).map(([name, each]) => [name, comparable(each)]))
}
