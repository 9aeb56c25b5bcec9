/** Largest share of a name that may be mistyped. */
const MAX_SHARE = 0.4

/**
 * Finds the name that a mistyped name most likely means: the name that it begins, as `dir` begins `directory`, else the name with the fewest
 * letters to insert, remove, and replace. Upper and lower case are equal. Only the ends of paths count: `spool` matches `logs.spool`.
 *
 * @returns `undefined` when no name is close
 */
export function closestName(mistyped: string, names: readonly string[]): string | undefined {
  const wanted = endOf(mistyped)
  // Long names are no typing errors, and would take long.
  if (wanted.length < 3 || wanted.length > 60) return undefined
  let closest = names.find((name) => endOf(name).startsWith(wanted))
  let least = closest === undefined ? Math.floor(wanted.length * MAX_SHARE) + 1 : 0
  for (const name of names) {
    const distance = editDistance(wanted, endOf(name))
    if (distance < least) {
      least = distance
      closest = name
    }
  }
  return closest
}

function endOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).toLowerCase()
}

/** Returns the Levenshtein distance of two texts. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1)!
}
