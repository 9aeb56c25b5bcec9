import { inspect, type InspectOptionsStylized } from 'node:util'
import types from 'node:util/types'
import { isError } from './safeAccess.ts'
import { stripEscapeSequences } from './text.ts'

// https://nodejs.org/api/util.html#custom-inspection-functions-on-objects

export type InspectCustom = (
  depth: number | null | undefined,
  options: InspectOptionsStylized,
  inspectFunction: typeof inspect,
) => unknown

/** Classes of Node.js that show themselves to a developer, and that the mapping table has in another form. */
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

/** Constant, so that V8 looks it up by the shape of an object: `pnpm bench console log4js`. */
const CUSTOM: typeof inspect.custom = inspect.custom

/**
 * Tells most objects that have no `util.inspect.custom` from all others, fast.
 * @throws for a Proxy that has been revoked
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
 * Finds the function by which an object shows itself to `util.inspect`. Errors, Buffers and other classes of the mapping
 * table keep the form that they have there, unless a subclass of the application has a function of its own; an Error keeps
 * its form always.
 *
 * @throws what the object throws when the function is read. A Proxy throws nothing, because Node.js asks its target.
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

/** Below the depth of an object `util.inspect` reads none of its fields. */
const NO_FIELDS = { depth: -1, colors: false }

/**
 * Finds the function of a Proxy's target where the Proxy does not let it be read. `util.inspect` alone can ask the target, and
 * shows it in another way where it has one.
 */
function customOfTarget(proxy: object): InspectCustom | undefined {
  try {
    const shown = inspect(proxy, { ...NO_FIELDS, customInspect: true })
    if (shown === inspect(proxy, { ...NO_FIELDS, customInspect: false })) return undefined
  } catch {
    // The target is a Proxy, too.
    return undefined
  }
  return () => inspect(proxy, { colors: false, customInspect: true })
}

/**
 * Calls the function with the arguments of `console.log` without colors. `depth` is that of its default, and at least 0: many
 * functions hide their object below.
 *
 * @param nesting how deep the object lies
 * @returns text without escape sequences, or any other value as it is
 * @throws what the function throws
 */
export function showByInspectCustom(value: object, custom: InspectCustom, nesting: number): unknown {
  const options = currentOptions()
  const { depth } = options
  const left = typeof depth === 'number' ? Math.max(depth - nesting, 0) : depth
  const shown: unknown = Reflect.apply(custom, value, [left, options, inspect])
  return typeof shown === 'string' ? stripEscapeSequences(shown) : shown
}

/** Returns what Node.js passes, `stylize` and the application's `inspect.defaultOptions` among them. */
function currentOptions(): InspectOptionsStylized {
  let current: InspectOptionsStylized | undefined
  const asker = {
    [inspect.custom](_depth: number, options: InspectOptionsStylized): string {
      current = options
      return ''
    },
  }
  // An application may have switched it off in `inspect.defaultOptions`.
  inspect(asker, { colors: false, customInspect: true })
  return current!
}

/** The prototype of a class has the function of its instances, as `util.inspect` knows. */
function isPrototype(value: object): boolean {
  const { constructor } = value as { constructor?: { prototype?: unknown } | null }
  return constructor?.prototype === value
}

function isMappedClass(value: object): boolean {
  let holder: object | null = value
  while (holder !== null && !Object.hasOwn(holder, inspect.custom)) {
    holder = Object.getPrototypeOf(holder) as object | null
  }
  // Asked for by its name last: Node.js loads `Headers` and the like when they are read first.
  const name: unknown = holder && (holder as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  if (typeof name !== 'string' || !MAPPED_CLASSES.has(name)) return false
  return (
    (globalThis as unknown as Record<string, { prototype?: unknown } | undefined>)[name]?.prototype === holder
  )
}
