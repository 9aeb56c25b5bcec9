import { closestMatch } from 'leven'

/** Finds the name that a mistyped name most likely means: the same letters in another order, or one or two other letters. */
export function closestName(mistyped: string, names: readonly string[]): string | undefined {
  const wanted = lettersOf(mistyped)
  const swapped = names.find((name) => lettersOf(name) === wanted)
  return swapped ?? closestMatch(mistyped, names, { maxDistance: mistyped.length < 5 ? 1 : 2 })
}

function lettersOf(name: string): string {
  return name.split('').sort().join('')
}
