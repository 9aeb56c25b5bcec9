// What docs/mapping.md says of values: an oracle that shares nothing with the code under test.

/** For what a field is left out. */
export const ABSENT: unique symbol = Symbol('left out')

/** What a value becomes; strings may still hold lone surrogates, a bigint is any that fits int64. */
export type Expected =
  | string
  | number
  | bigint
  | boolean
  | null
  | typeof ABSENT
  | Uint8Array
  | Expected[]
  | Map<string, Expected>

/** Keys become well-formed, and are kept apart: `id`, `id#2`. */
export function named(entries: readonly (readonly [string, Expected])[]): Map<string, Expected> {
  const map = new Map<string, Expected>()
  for (const [given, expected] of entries) {
    const name = given.toWellFormed()
    let free = name
    for (let n = 2; map.has(free); n += 1) free = `${name}#${n}`
    map.set(free, expected)
  }
  return map
}

/** Elements of an array: what would be left out is empty there. */
export function elements(expected: readonly Expected[]): Expected[] {
  return expected.map((each) => (each === ABSENT ? null : each))
}

/** What stands in the end, as `comparable` gives it: without what is left out, texts cut and well-formed. */
export function settled(expected: Expected, limit: number = Infinity): unknown {
  if (typeof expected === 'string') return cut(expected, limit).toWellFormed()
  if (typeof expected === 'bigint') return exact(expected)
  if (expected === ABSENT) return null
  if (Array.isArray(expected)) return expected.map((each) => settled(each, limit))
  if (!(expected instanceof Map)) return expected
  const present = [...expected].filter(([, each]) => each !== ABSENT)
  return new Map(present.map(([name, each]) => [name, settled(each, limit)]))
}

function cut(content: string, limit: number): string {
  if (content.length <= limit) return content
  const whole = content.slice(0, limit)
  return `${/[\ud800-\udbff]$/.test(whole) ? whole.slice(0, -1) : whole}…`
}

function exact(integer: bigint): number | string {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : `${integer}`
}

/** A plain AnyValue so that values can be compared whatever keys they have: maps are Maps, bigints as `exact`. */
export function comparable(plain: unknown): unknown {
  if (typeof plain === 'bigint') return exact(plain)
  if (typeof plain !== 'object' || plain === null) return plain
  if (plain instanceof Uint8Array) return new Uint8Array(plain)
  if (Array.isArray(plain)) return plain.map(comparable)
  return new Map(Object.entries(plain).map(([name, each]) => [name, comparable(each)]))
}
