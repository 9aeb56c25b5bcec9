import types from 'node:util/types'

const { hasOwnProperty, propertyIsEnumerable } = Object.prototype

/**
 * Largest number of values that are read of one attribute set or body, at all depths. The rest becomes `[Truncated]`. An object is written for each
 * path that leads to it, and the number of paths can be exponential (2^64 within `MAX_DEPTH`).
 */
export const MAX_VALUES = 65_536
/** Cost of one throw, in values. A throw takes as long as many reads. */
export const THROW_COST = 64
/** Cost of one field of a Proxy, in values. Reading the field calls two traps. */
const PROXY_FIELD_COST = 4
/** Longest chain of prototypes that is followed. */
export const MAX_PROTOTYPES = 64
/** Longest chain of prototypes of usual classes. Longer chains are checked for Proxies, which can make a chain endless. */
export const USUAL_PROTOTYPES = 4

/** Budget of the values of one attribute set or body. */
export interface Reads {
  /** Number of values that may still be read. */
  left: number
}

/** Reads a property. Returns the placeholder `[Throws: message]` when a getter or a Proxy throws. */
export function safeGet(source: object, key: PropertyKey): unknown {
  try {
    return (source as Record<PropertyKey, unknown>)[key]
  } catch (error) {
    return placeholder(error)
  }
}

/**
 * Makes a getter that returns the placeholder `[Throws: message]` instead of throwing. V8 caches the lookup inside `read`,
 * because `read` always reads the same field. `safeGet` reads any field of any object, so that V8 looks up most fields again.
 *
 * @example const labelOf = safeGetter((info: Info) => info.label)
 */
export function safeGetter<Source>(read: (source: Source) => unknown): (source: Source) => unknown {
  return (source) => {
    try {
      return read(source)
    } catch (error) {
      return placeholder(error)
    }
  }
}

/** Set of keys. For the 12 fields of a record, a method `has` with a `switch` takes 15 ns less than a Set: `pnpm bench bunyan`. */
export type Keys = Pick<ReadonlySet<string>, 'has'>

/**
 * Copies an object's own enumerable string-keyed fields. Leaves out omitted values (`undefined`, functions, symbols). Never throws: a placeholder
 * replaces the value of a getter that throws, and the field `[Throws]` has the message of a Proxy that throws when its keys are listed.
 *
 * @param omit keys of fields to leave out
 * @param reads budget that each field is charged to. When the budget is spent, the field `[Truncated]` replaces the remaining fields.
 */
export function copyFields(
  source: object,
  omit?: Keys,
  reads: Reads = { left: MAX_VALUES },
): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  try {
    if (!isPlain(source)) return copyListed(copy, source, omit, reads)
    // `for in`, `source[key]` in its body, and this form of hasOwn use V8's enum cache, as `ValueWriter` does (`pnpm bench encode`).
    for (const key in source) {
      if (!hasOwnProperty.call(source, key) || omit?.has(key)) continue
      if ((reads.left -= 1) < 0) {
        copy['[Truncated]'] = 'more fields'
        break
      }
      let value: unknown
      try {
        value = (source as Record<string, unknown>)[key]
      } catch (error) {
        value = placeholder(error)
        reads.left -= THROW_COST
      }
      if (!isOmitted(value)) setOwn(copy, key, value)
    }
  } catch (error) {
    copy['[Throws]'] = errorMessage(error)
  }
  return copy
}

/**
 * Copies the fields of a class instance or a Proxy. Lists the own keys only, because `for in` also lists the keys of all prototypes, and a Proxy
 * can have an endless chain of prototypes.
 */
function copyListed(
  copy: Record<string, unknown>,
  source: object,
  omit: Keys | undefined,
  reads: Reads,
): Record<string, unknown> {
  const isProxy = types.isProxy(source)
  // Object.keys would call a trap of a Proxy for every key, before any key is charged. Keys that are not enumerable are charged, too.
  const keys = Reflect.ownKeys(source)
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!
    if (reads.left <= 0) {
      copy['[Truncated]'] = `${keys.length - index} more`
      break
    }
    reads.left -= isProxy ? PROXY_FIELD_COST : 1
    if (typeof key !== 'string' || omit?.has(key)) continue
    let value: unknown
    try {
      if (!propertyIsEnumerable.call(source, key)) continue
      value = (source as Record<string, unknown>)[key]
    } catch (error) {
      value = placeholder(error)
      reads.left -= THROW_COST
    }
    if (!isOmitted(value)) setOwn(copy, key, value)
  }
  return copy
}

/** Tests if `for in` lists the object's own fields only, without calling code of the application. */
export function isPlain(source: object): boolean {
  if (types.isProxy(source)) return false
  const prototype: unknown = Object.getPrototypeOf(source)
  return prototype === Object.prototype || prototype === null
}

/** Tests for an omitted value: `undefined`, functions, and symbols, as in JSON. */
export function isOmitted(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
}

/** Sets an own property. An assignment to the key `__proto__` would change the prototype instead. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** Tests for an Error, also of another realm. An object that only has a `name` or a `code` is no Error. */
export function isError(value: unknown): value is Error {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  try {
    return types.isNativeError(value) || inheritsError(value)
  } catch {
    return false
  }
}

/** Bounded `instanceof Error`: the operator itself is endless for a Proxy whose prototypes are Proxies. */
function inheritsError(value: object): boolean {
  let prototype: unknown = Object.getPrototypeOf(value)
  for (let count = 0; prototype !== null && count < MAX_PROTOTYPES; count += 1) {
    if (prototype === Error.prototype) return true
    // Object.prototype ends each chain. Another read takes 7 ns: `pnpm bench winston`.
    if (prototype === Object.prototype) return false
    if (count >= USUAL_PROTOTYPES && types.isProxy(prototype)) return false
    prototype = Object.getPrototypeOf(prototype)
  }
  return false
}

/**
 * Finds the object that has a property: the value itself, or one of its prototypes. The caller bounds the chain of prototypes, because
 * the chain of a Proxy can be endless.
 */
export function holderOf(value: object, key: PropertyKey): object | null {
  let holder: object | null = value
  while (holder !== null && !Object.hasOwn(holder, key)) {
    holder = Object.getPrototypeOf(holder) as object | null
  }
  return holder
}

/** Makes the placeholder of a value that threw an error while it was read. */
export function placeholder(error: unknown): string {
  return `[Throws: ${errorMessage(error)}]`
}

/** Returns the message of anything that was thrown. Never throws. */
export function errorMessage(error: unknown): string {
  try {
    if (isError(error)) return textOf(error.message)
    return textOf(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/** Digits of the longest bigint that is written in full. The time grows faster than the number of digits. */
const MAX_DIGITS = 10_000
const MAX_BIGINT = 10n ** BigInt(MAX_DIGITS)

/**
 * Converts a value to text in bounded time. `String` itself takes exponential time for nested arrays in which each array occurs several times, and
 * 0.2 s for a bigint of a million digits.
 * @throws the error of the value's own `toString`
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return bigintText(value)
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return String(value)
  return (
    textBy(value, (value as { toString?: unknown }).toString) ??
    (Array.isArray(value) ? '[object Array]' : '[object Object]')
  )
}

/**
 * Reads a field that should be text, because a caller in JavaScript may pass any value.
 *
 * @returns `undefined` for an absent field and for a value that throws when it is read
 */
export function resolveText(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  try {
    return textOf(value)
  } catch {
    return undefined
  }
}

/** Returns the decimal digits of a bigint, or a placeholder for a bigint that is too long. */
export function bigintText(value: bigint): string {
  return isShortBigint(value) ? value.toString() : `[Truncated] bigint of more than ${MAX_DIGITS} digits`
}

/** Tests for a bigint of at most `MAX_DIGITS` digits. */
export function isShortBigint(value: bigint): boolean {
  return value < MAX_BIGINT && value > -MAX_BIGINT
}

/**
 * Returns the result of the `toString` of a value's class; `undefined` for `Object.prototype.toString`. Each realm (e.g. of Jest) has its own
 * `Object.prototype.toString`, which is recognized by its result `[object Object]`.
 * @throws the error of `toString`
 */
export function ownText(value: object): string | undefined {
  return textBy(value, safeGet(value, 'toString'))
}

/**
 * Calls `toString` of a value. Returns `undefined` for `Object.prototype.toString`, for `Array.prototype.toString`, which joins any number of
 * elements, and for a result that is an object or a function. Replaces `Error.prototype.toString`, which converts any `name` and `message` to text.
 */
export function textBy(value: object, toString: unknown): string | undefined {
  if (typeof toString !== 'function' || toString === Object.prototype.toString) return undefined
  if (toString === Array.prototype.toString) return undefined
  if (toString === Error.prototype.toString) {
    const parts = [safeGet(value, 'name'), safeGet(value, 'message')]
    return parts.filter((part) => typeof part === 'string' && part !== '').join(': ') || 'Error'
  }
  const text: unknown = toString.call(value)
  if (typeof text === 'object' || typeof text === 'function') return undefined
  return text === '[object Object]' ? undefined : textOf(text)
}
