const hasOwn = Object.prototype.hasOwnProperty

/**
 * Makes the key of a field distinct. Returns `key` when no other field has this key, else the first of `key#2`, `key#3`, … that no other field has.
 *
 * @param isTaken tells if another field has a key
 * @param nextNumbers number to try first, by key. All calls for one record share the map, because many equal keys would take quadratic time
 * without it.
 */
export function distinctKey(
  key: string,
  isTaken: (candidate: string) => boolean,
  nextNumbers?: Map<string, number>,
): string {
  if (!isTaken(key)) return key
  let number = nextNumbers?.get(key) ?? 2
  while (isTaken(`${key}#${number}`)) number += 1
  nextNumbers?.set(key, number + 1)
  return `${key}#${number}`
}

/** Makes the names of the fields of one map well-formed and distinct. */
export class FieldNames {
  private readonly taken: Set<string>
  private readonly nextNumbers = new Map<string, number>()
  private readonly isTaken = (name: string): boolean => this.taken.has(name)

  /** @param taken names that are well-formed and distinct */
  constructor(taken: readonly string[] = []) {
    this.taken = new Set(taken)
  }

  /** Returns the name for a key, and keeps later keys from the same name. */
  claim(given: string): string {
    const name = distinctKey(given.toWellFormed(), this.isTaken, this.nextNumbers)
    this.taken.add(name)
    return name
  }
}

/** Makes the names of the first `count` fields of an object. */
export function namesBefore(source: object, count: number): FieldNames {
  const names = new FieldNames()
  let left = count
  for (const key in source) {
    if (!hasOwn.call(source, key)) continue
    if (left === 0) break
    left -= 1
    names.claim(key)
  }
  return names
}

/** Removes the number that `distinctKey` appends to a key: returns `id` for `id#2`. */
export function originalKey(key: string): string {
  return key.includes('#') ? key.replace(/#\d+$/, '') : key
}

/**
 * Makes a function that tests if any of the patterns matches a key. In a pattern, `*` stands for any characters or none. A pattern that matches
 * `id` also matches `id#2`, because `distinctKey` makes such keys. Compares parts of a pattern in linear time, because a regular expression with
 * two `*` takes quadratic time.
 */
export function createKeyMatcher(patterns: readonly string[]): (key: string) => boolean {
  const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')))
  const globs = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'))
  const matches = (key: string): boolean => exact.has(key) || globs.some((parts) => matchesGlob(key, parts))
  return (key) => {
    if (matches(key)) return true
    const original = originalKey(key)
    return original !== key && matches(original)
  }
}

/**
 * Tests if a key matches a pattern, given as the parts between its `*`. Takes the first occurrence of each part, because the first occurrence
 * leaves the longest rest for the next parts.
 */
function matchesGlob(key: string, parts: readonly string[]): boolean {
  const first = parts[0]!
  const last = parts.at(-1)!
  if (!key.startsWith(first)) return false
  let position = first.length
  for (let index = 1; index < parts.length - 1; index += 1) {
    const part = parts[index]!
    const found = key.indexOf(part, position)
    if (found < 0) return false
    position = found + part.length
  }
  return key.length - last.length >= position && key.endsWith(last)
}
