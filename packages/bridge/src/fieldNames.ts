import { distinctKey } from './keys.ts'

const hasOwn = Object.prototype.hasOwnProperty

/** Makes the names of the fields of one map well-formed and distinct. */
export class FieldNames {
  private readonly taken: Set<string>
  private readonly nextNumbers = new Map<string, number>()
  private readonly isTaken = (name: string): boolean => this.taken.has(name)

  /** @param taken names that are well-formed and distinct */
  constructor(taken: readonly string[] = []) {
    this.taken = new Set(taken)
  }

  claim(given: string): string {
    const name = distinctKey(given.toWellFormed(), this.isTaken, this.nextNumbers)
    this.taken.add(name)
    return name
  }
}

/** Claims the names of the first `count` fields. */
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
