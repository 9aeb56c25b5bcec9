import { Entries } from './builtins.ts'
import { placeholder, type Reads, safeGet, THROW_COST } from './safeAccess.ts'

/**
 * Fields of the classes of the Web that keep nothing in own fields, by class tag. Each field is a getter without side effects: a body
 * stays unread. The tag also finds the classes of packages, e.g. undici's and node-fetch's.
 */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  AbortSignal: ['aborted', 'reason'],
  Blob: ['size', 'type'],
  File: ['name', 'size', 'type', 'lastModified'],
  Request: ['method', 'url', 'headers'],
  Response: ['status', 'statusText', 'url', 'headers'],
}
const PAIRS: ReadonlySet<unknown> = new Set(['Headers', 'FormData'])

/**
 * Returns the content of an instance of a class of the Web; `undefined` for any other object, and for an instance with own fields.
 * https://developer.mozilla.org/docs/Web/API
 */
export function webContent(value: object, reads: Reads): Entries | undefined {
  const tag = safeGet(value, Symbol.toStringTag)
  if (typeof tag !== 'string') return undefined
  const names = Object.hasOwn(FIELDS, tag) ? FIELDS[tag] : undefined
  const isPairs = PAIRS.has(tag) && Symbol.iterator in value
  if ((!isPairs && names === undefined) || Object.keys(value).length > 0) return undefined
  const entries = names
    ? names.map((name) => [name, safeGet(value, name)] as const)
    : pairsOf(value as Iterable<unknown>, reads)
  return new Entries(entries.values(), undefined, false)
}

/** Lists the pairs of Headers or FormData. Reads no more than the budget allows. */
function pairsOf(source: Iterable<unknown>, reads: Reads): (readonly [unknown, unknown])[] {
  const pairs: (readonly [unknown, unknown])[] = []
  try {
    for (const pair of source) {
      pairs.push(pair as [unknown, unknown])
      if (pairs.length > reads.left) break
    }
  } catch (error) {
    reads.left -= THROW_COST
    pairs.push(['[Throws]', placeholder(error)])
  }
  return pairs.filter(Array.isArray)
}
