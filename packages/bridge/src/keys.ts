/** Finds the key that a field had before it was kept apart from another one: `id` for `id#2`. */
export function originalKey(key: string): string {
  return key.includes('#') ? key.replace(/#\d+$/, '') : key
}

/**
 * Makes one test for all patterns, in which `*` is any run of characters. A key that was kept apart from another one,
 * `id#2`, is tested as `id`, too. The time is linear in the key's length, where a regular expression takes its square for
 * two `*` and its cube for three.
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

/** Matches each part at its first occurrence, which leaves most for the next. */
function matchesGlob(key: string, parts: readonly string[]): boolean {
  const first = parts[0]!
  const last = parts.at(-1)!
  if (!key.startsWith(first)) return false
  let at = first.length
  for (let index = 1; index < parts.length - 1; index += 1) {
    const part = parts[index]!
    const found = key.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return key.length - last.length >= at && key.endsWith(last)
}
