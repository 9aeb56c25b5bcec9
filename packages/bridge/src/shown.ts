import { formatWithOptions, inspect } from 'node:util'
import types from 'node:util/types'
import { toPlain } from './anyValue.ts'
import { describeException } from './exception.ts'
import { bigintText, holderOf, isError, isShortBigint, placeholder } from './safeAccess.ts'

// `util.format` and `util.inspect` limit the depth and the elements of arrays, but neither the keys of objects nor the work of `%j` and `%d`. Each
// argument is weighed first. A bounded copy replaces an argument that is too heavy.

/** Formats without the colors of the terminal. */
const FORMAT = { colors: false }
/** Largest weight of all arguments of a call, in values. */
const MAX_WEIGHT = 4000
/** Weight of the copy of an argument that is too heavy. */
const COPY_WEIGHT = 500
/** Greatest depth of `util.inspect` for any specifier (`%o`: 4). */
const INSPECT_DEPTH = 5
/** Elements of an array and characters of a string that `util.inspect` prints. */
const INSPECT_ELEMENTS = 100
const INSPECT_TEXT = 10_000
/** Greatest depth, and longest chain of prototypes, of an argument that is light. */
const MAX_NESTING = 100
const BIGINT_WEIGHT = 16
/** Binary logarithm of the UTF-16 units that weigh as much as a value. */
const UNITS_SHIFT = 7
/** Accessor of V8 for the stack of every Error. The stack is a data property in older versions. */
const STACK_GETTER = Object.getOwnPropertyDescriptor(new Error('for its stack'), 'stack')?.get
/** Specifiers that convert a whole value, at any depth. */
const WHOLE_VALUE = /%[sdifj]/
const JSON_VALUE = /%j/

/**
 * Formats like `util.format`, in bounded time.
 * @param parameters arguments after the template
 */
export function formatText(template: string, parameters: readonly unknown[]): string {
  // `util.format` of a sole string keeps `%%`. This call had further arguments, which became fields.
  if (parameters.length === 0) {
    return template.includes('%') ? formatWithOptions(FORMAT, template, '').slice(0, -1) : template
  }
  const scale = new Scale(WHOLE_VALUE.test(template), JSON_VALUE.test(template))
  const bounded = parameters.map((parameter) => scale.bounded(parameter))
  try {
    return formatWithOptions(FORMAT, template, ...bounded)
  } catch {
    return [template, ...bounded.map(inspected)].join(' ')
  }
}

/** Prints one value like `util.inspect`, in bounded time. Returns a text unchanged. */
export function show(value: unknown): string {
  return inspected(new Scale(false, false).bounded(value))
}

function inspected(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return inspect(value, FORMAT)
  } catch (error) {
    return placeholder(error)
  }
}

/** Replaces an argument that is too heavy, for every specifier. */
class BoundedCopy {
  readonly #copy: unknown
  constructor(copy: unknown) {
    this.#copy = copy
  }
  toJSON(): unknown {
    return this.#copy
  }
  [inspect.custom](): string {
    // The text of a `util.inspect.custom` has no quotes.
    if (typeof this.#copy === 'string') return this.#copy
    return inspect(this.#copy, { ...FORMAT, depth: INSPECT_DEPTH, maxArrayLength: null })
  }
}

/** Weighs the arguments of one call. */
class Scale {
  private left = MAX_WEIGHT
  /** Set when a specifier converts whole values: texts and nesting are weighed in full. */
  private readonly isWhole: boolean
  /** Set when a specifier calls each `toJSON`. */
  private readonly isJson: boolean
  private ancestors: object[] | undefined
  /** Results of `beginningOf`. */
  private beginnings: Set<unknown> | undefined

  constructor(isWhole: boolean, isJson: boolean) {
    this.isWhole = isWhole
    this.isJson = isJson
  }

  /** @returns the value itself, or a bounded copy when the value is too heavy or runs code of the application */
  bounded(value: unknown): unknown {
    if (typeof value === 'bigint') return isShortBigint(value) ? value : bigintText(value)
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return value
    const { left } = this
    try {
      if (this.isLight(value)) return value
    } catch {
      // A Proxy among the prototypes threw. The value is copied.
    }
    this.ancestors = undefined
    if (!this.isWhole && !this.beginnings?.has(value) && isLong(value)) {
      const beginning = beginningOf(value)
      this.beginnings ??= new Set()
      this.beginnings.add(beginning)
      return this.bounded(beginning)
    }
    this.left = left - COPY_WEIGHT
    if (this.left < 0) return '[Truncated]'
    if (typeof value === 'function') return '[Function]'
    if (isError(value)) return describeException(value).attributes['exception.stacktrace']
    return new BoundedCopy(toPlain(value, COPY_WEIGHT, true))
  }

  private isLight(value: unknown): boolean {
    this.left -= 1
    switch (typeof value) {
      case 'string':
        this.left -= (this.isWhole ? value.length : Math.min(value.length, INSPECT_TEXT)) >>> UNITS_SHIFT
        break
      case 'bigint':
        return isShortBigint(value) && (this.left -= BIGINT_WEIGHT) >= 0
      case 'object':
      case 'function':
        if (value !== null && !this.isLightObject(value)) return false
    }
    return this.left >= 0
  }

  private isLightObject(value: object): boolean {
    const ancestors = (this.ancestors ??= [])
    if (ancestors.includes(value)) return true
    if (ancestors.length > (this.isWhole ? MAX_NESTING : INSPECT_DEPTH)) return !this.isWhole
    if (!hasUsualPrototypes(value) || (this.isJson && hasForeignToJSON(value))) return false
    ancestors.push(value)
    const isLight = this.hasLightContent(value)
    ancestors.pop()
    return isLight
  }

  private hasLightContent(value: object): boolean {
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
      this.left -= INSPECT_ELEMENTS
      return !this.isWhole || value.byteLength <= INSPECT_TEXT
    }
    if (Array.isArray(value)) {
      const shown = this.isWhole ? value.length : Math.min(value.length, INSPECT_ELEMENTS)
      for (let index = 0; index < shown; index += 1) if (!this.isLightField(value, index)) return false
      if (this.beginnings?.has(value)) return true
      // Fields beside the elements of a longer array stay unread, because listing them lists all indices.
      return value.length <= MAX_WEIGHT && Object.keys(value).length <= value.length + INSPECT_ELEMENTS
    }
    if (types.isMap(value)) return this.areLight(Map.prototype.entries.call(value))
    if (types.isSet(value)) return this.areLight(Set.prototype.values.call(value))
    const keys = Reflect.ownKeys(value)
    if (keys.length > this.left) return false
    return keys.every((key) => this.isLightField(value, key))
  }

  private areLight(values: Iterable<unknown>): boolean {
    let count = 0
    for (const each of values) {
      if (!this.isLight(each)) return false
      if ((count += 1) > INSPECT_ELEMENTS) break
    }
    return true
  }

  /** Weighs a field without calling accessors. `util.inspect` prints `[Getter]` for them, and calls those of an Error. */
  private isLightField(source: object, key: PropertyKey): boolean {
    this.left -= 1
    const field = Object.getOwnPropertyDescriptor(source, key)
    if (field === undefined) return this.left >= 0
    if (!('value' in field)) {
      return field.get === STACK_GETTER ? this.left >= 0 : !this.isWhole && !isError(source)
    }
    return this.isLight(field.value)
  }
}

/** Tests for a `toJSON` of the application, own or inherited. The results of Node.js's own functions are weighed elsewhere. */
function hasForeignToJSON(value: object): boolean {
  const holder = holderOf(value, 'toJSON')
  return holder !== null && holder !== Date.prototype && holder !== Buffer.prototype
}

function isLong(value: object): value is unknown[] {
  return !types.isProxy(value) && Array.isArray(value) && value.length > MAX_WEIGHT
}

/** Makes an array of the same length that has only the elements that `util.inspect` prints. */
function beginningOf(array: readonly unknown[]): unknown[] {
  const beginning: unknown[] = []
  for (let index = 0; index < INSPECT_ELEMENTS; index += 1) {
    const element = Object.getOwnPropertyDescriptor(array, index)
    if (element) Object.defineProperty(beginning, index, element)
  }
  beginning.length = array.length
  return beginning
}

/** Tests for a short chain of prototypes without a Proxy. `util.inspect` follows the endless chain that a Proxy can have. */
function hasUsualPrototypes(value: object): boolean {
  let object: object | null = value
  for (let count = 0; object !== null; count += 1) {
    if (count > MAX_NESTING || types.isProxy(object)) return false
    object = Object.getPrototypeOf(object) as object | null
  }
  return true
}
