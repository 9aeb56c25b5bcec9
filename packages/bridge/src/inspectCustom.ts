import { inspect, type InspectOptionsStylized } from 'node:util'
import types from 'node:util/types'
import { holderOf, isError } from './safeAccess.ts'
import { stripEscapeSequences } from './text.ts'

// https://nodejs.org/api/util.html#custom-inspection-functions-on-objects

export type InspectCustom = (
  depth: number | null | undefined,
  options: InspectOptionsStylized,
  inspectFunction: typeof inspect,
) => unknown

/** Class tags of classes with `util.inspect.custom` that the mapping table maps in another form. */
const MAPPED_CLASSES = new Set([
  'URL',
  'URLSearchParams',
  'Headers',
  'Request',
  'Response',
  'FormData',
  'Blob',
  'File',
])
const ofBuffer = (Buffer.prototype as { [inspect.custom]?: unknown })[inspect.custom]

/** V8 looks up a constant by the shape of an object: `pnpm bench console log4js`. */
const CUSTOM: typeof inspect.custom = inspect.custom

/**
 * Returns false for most objects without `util.inspect.custom`. Fast.
 * @throws for a revoked Proxy
 */
export function mayShowItself(value: object): boolean {
  const usual = Array.isArray(value) ? Array.prototype : Object.prototype
  if (Object.getPrototypeOf(value) !== usual) return true
  try {
    return (value as { [CUSTOM]?: unknown })[CUSTOM] !== undefined
  } catch {
    return true
  }
}

/**
 * Finds the `util.inspect.custom` of an object. Returns `undefined` for Errors, and for Buffers and other classes of the mapping table, whose
 * forms are defined there. A subclass of the application may define the function for its instances.
 *
 * @throws the error of reading the function. Reading from a Proxy never throws, because Node.js reads from its target.
 */
export function findInspectCustom(value: object): InspectCustom | undefined {
  let custom: unknown
  try {
    custom = (value as { [inspect.custom]?: unknown })[inspect.custom]
  } catch (error) {
    if (!types.isProxy(value)) throw error
  }
  if (typeof custom !== 'function' && types.isProxy(value)) return customOfTarget(value)
  if (typeof custom !== 'function' || custom === inspect || custom === ofBuffer) return undefined
  if (isError(value) || isPrototype(value) || isMappedClass(value)) return undefined
  return custom as InspectCustom
}

/** Keeps `util.inspect` from reading fields. */
const NO_FIELDS = { depth: -1, colors: false }

/**
 * Finds the function of a Proxy's target when the Proxy hides it. Only `util.inspect` can read from the target: its results with and without
 * custom functions differ when the target has one.
 */
function customOfTarget(proxy: object): InspectCustom | undefined {
  try {
    const shown = inspect(proxy, { ...NO_FIELDS, customInspect: true })
    if (shown === inspect(proxy, { ...NO_FIELDS, customInspect: false })) return undefined
  } catch {
    // The target is a Proxy, too, and hides the function.
    return undefined
  }
  return () => inspect(proxy, { colors: false, customInspect: true })
}

/**
 * Calls the function with the arguments of `console.log`, without colors. `depth` starts at the default and is at least 0, because many functions
 * hide the object below 0.
 *
 * @param nesting depth at which the object lies
 * @returns a text without escape sequences, or any other value unchanged
 * @throws the error of the function
 */
export function showByInspectCustom(value: object, custom: InspectCustom, nesting: number): unknown {
  const options = currentOptions()
  const { depth } = options
  const left = typeof depth === 'number' ? Math.max(depth - nesting, 0) : depth
  const shown: unknown = Reflect.apply(custom, value, [left, options, inspect])
  return typeof shown === 'string' ? stripEscapeSequences(shown) : shown
}

/** Returns the options that Node.js passes, with `stylize` and the application's `inspect.defaultOptions`. */
function currentOptions(): InspectOptionsStylized {
  let current: InspectOptionsStylized | undefined
  const asker = {
    [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
      current = options
      return ''
    },
  }
  // `inspect.defaultOptions` of the application may have switched off custom functions.
  inspect(asker, { colors: false, customInspect: true })
  return current!
}

/** Tests for the prototype of a class, which has the function for its instances. */
function isPrototype(value: object): boolean {
  const { constructor } = value as { constructor?: { prototype?: unknown } | null }
  return constructor?.prototype === value
}

/** Tests for a function of a mapped class itself, or of its copy in a package, e.g. undici. A subclass has the class tag from its parent. */
function isMappedClass(value: object): boolean {
  const holder = holderOf(value, inspect.custom)
  if (holder === null || !Object.hasOwn(holder, Symbol.toStringTag)) return false
  return MAPPED_CLASSES.has((holder as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] as string)
}
