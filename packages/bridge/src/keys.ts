/**
 * Returns `key` when no other field has it, else the first free one of `key#2`, `key#3`, and so on: the rule for fields with equal keys.
 *
 * @param next the number to try first, by key. Shared by the calls for one record, it keeps many equal keys from taking quadratic time.
 */
export function distinctKey(
  key: string,
  isTaken: (candidate: string) => boolean,
  next?: Map<string, number>,
): string {
  if (!isTaken(key)) return key
  let number = next?.get(key) ?? 2
  while (isTaken(`${key}#${number}`)) number += 1
  next?.set(key, number + 1)
  return `${key}#${number}`
}

/** Returns the key from which `distinctKey` made a key: `id` for `id#2`. */
export function originalKey(key: string): string {
  return key.includes('#') ? key.replace(/#\d+$/, '') : key
}

/**
 * Makes one test for all patterns, in which `*` stands for any run of characters. The test also matches `id#2`, a key of `distinctKey`,
 * where a pattern matches `id`. The time is linear in the length of the key; a regular expression with two `*` takes quadratic time.
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

/** Matches each part at its first occurrence, which leaves the longest rest for the next part. */
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
