import types from 'node:util/types'

const { hasOwnProperty, propertyIsEnumerable } = Object.prototype

/**
 * Values read of one attribute set or body, fields and elements of all depths. The rest becomes `[Truncated]`. An object
 * that is reached on many ways is written once for each way, which can be exponentially often (2^64 within `MAX_DEPTH`).
 */
export const MAX_VALUES = 65_536
/** Values that one throw counts for: a throw takes some microseconds. */
export const THROW_COST = 64
/** Values that one field of a Proxy counts for: to read it calls two traps. */
const PROXY_FIELD_COST = 4
/** Prototypes that are looked at before an object counts as an unknown class. */
export const MAX_PROTOTYPES = 64
/** Prototypes of usual classes. Only longer chains are checked for Proxies, which can make a chain endless. */
export const USUAL_PROTOTYPES = 4

/** Values that may still be read. */
export interface Reads {
  left: number
}

/** Reads a property; a getter or Proxy that throws gives the placeholder `[Throws: message]` instead. */
export function safeGet(source: object, key: PropertyKey): unknown {
  try {
    return (source as Record<PropertyKey, unknown>)[key]
  } catch (error) {
    return placeholder(error)
  }
}

/**
 * Makes a getter that returns the placeholder `[Throws: message]` instead of throwing. V8 caches the lookup of a field that `read` names,
 * whereas `safeGet`, which sees all keys of all objects, takes 40 ns for a field that is absent.
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

/**
 * Copies an object's own enumerable string-keyed fields, without those in `omit`. Survives getters that throw, and a Proxy
 * that does not let its keys be listed: the field `[Throws]` says why. Leaves out absent values (`undefined`, functions,
 * symbols).
 *
 * @param reads is charged for each field; where nothing is left, the rest becomes the field `[Truncated]`
 */
export function copyFields(
  source: object,
  omit?: ReadonlySet<string>,
  reads: Reads = { left: MAX_VALUES },
): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  try {
    if (!isPlain(source)) return copyListed(copy, source, omit, reads)
    // `for in` with its own `source[key]` and this form of hasOwn reads by V8's enum cache: 88 ns for six fields of one
    // shape and 144 of forty, where Object.keys and `read` took 117 and 175, and Object.hasOwn 187 and 192.
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
 * Copies the fields of a class instance or a Proxy. Lists the own keys alone, once: `for in` also lists those of all
 * prototypes, and a Proxy can have prototypes without end.
 */
function copyListed(
  copy: Record<string, unknown>,
  source: object,
  omit: ReadonlySet<string> | undefined,
  reads: Reads,
): Record<string, unknown> {
  const isProxy = types.isProxy(source)
  // Each key counts, also one that is not enumerable. Object.keys asks a Proxy for the descriptor of every key.
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

/** Whether `for in` lists nothing but the object's own fields, and calls no code of its own. */
export function isPlain(source: object): boolean {
  if (types.isProxy(source)) return false
  const prototype: unknown = Object.getPrototypeOf(source)
  return prototype === Object.prototype || prototype === null
}

/** Whether a property with this value is left out: `undefined`, functions and symbols, as in JSON. */
export function isOmitted(value: unknown): boolean {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol'
}

/** Sets a property even where the key is `__proto__`. */
export function setOwn<T>(target: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[key] = value
  }
}

/** Whether a value is an Error, also one of another realm. What merely has a `name` or a `code` is not. */
export function isError(value: unknown): value is Error {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  try {
    return types.isNativeError(value) || inheritsError(value)
  } catch {
    return false
  }
}

/** `instanceof Error` that ends: `instanceof` itself follows a Proxy whose prototypes are Proxies for ever. */
function inheritsError(value: object): boolean {
  let prototype: unknown = Object.getPrototypeOf(value)
  for (let count = 0; prototype !== null && count < MAX_PROTOTYPES; count += 1) {
    if (prototype === Error.prototype) return true
    if (count >= USUAL_PROTOTYPES && types.isProxy(prototype)) return false
    prototype = Object.getPrototypeOf(prototype)
  }
  return false
}

/** What stands in for a value that threw when it was read. */
export function placeholder(error: unknown): string {
  return `[Throws: ${errorMessage(error)}]`
}

/** The message of whatever was thrown; total. */
export function errorMessage(error: unknown): string {
  try {
    if (isError(error)) return textOf(error.message)
    return textOf(error)
  } catch {
    return 'an error that cannot be read'
  }
}

/** Digits of the longest bigint that is written in full: the time for it grows with the square. */
const MAX_DIGITS = 10_000
const MAX_BIGINT = 10n ** BigInt(MAX_DIGITS)

/**
 * Makes text of a value in bounded time. `String` itself is endless for an array that holds itself on many ways, takes
 * seconds for a bigint of a million digits, and calls whatever a value's `toString` returns.
 * @throws what the value's own `toString` throws
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

/** The decimal digits of a bigint, as far as there are not too many. */
export function bigintText(value: bigint): string {
  return isShortBigint(value) ? value.toString() : `[Truncated] bigint of more than ${MAX_DIGITS} digits`
}

export function isShortBigint(value: bigint): boolean {
  return value < MAX_BIGINT && value > -MAX_BIGINT
}

/**
 * What the `toString` of a value's own class says; `undefined` where there is none. `Object.prototype.toString` differs per
 * realm (as in Jest), and is recognized by its result. May throw what it throws.
 */
export function ownText(value: object): string | undefined {
  return textBy(value, safeGet(value, 'toString'))
}

/**
 * Calls a `toString` that has been read. That of arrays is left out, because it joins all elements, whatever length the
 * object claims; that of Errors is replaced, because it makes text of whatever `name` and `message` are.
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
