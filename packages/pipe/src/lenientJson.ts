/*
 * JSON with what `JSON.parse` loses or refuses: fields with one key, and the numbers `NaN`, `Infinity`, and `-Infinity`, which Python writes.
 * It takes several times as long as `JSON.parse`, so that it reads only lines that need it: `pnpm bench pipe`.
 */
import { distinctKey, endOfText } from '@logbridge/bridge/internal'
import { setField } from './fields.ts'
import type { Fields } from './types.ts'

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const INTEGER = /^-?\d+$/
const SPACE = /[ \t\n\r]*/y
const WORDS: readonly (readonly [word: string, value: unknown])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]
const BACKSLASH = 0x5c
/** Depth to which keys are counted. */
const MAX_DEPTH = 100
/** Characters of the longest int64. */
const INT64_LENGTH = 20
/** Keys that a library writes before those of the application. The first field with such a key counts. */
const LIBRARY_KEYS = new Set(['level', 'time', 'ts', 'timestamp', '@timestamp', '@t', 'name'])

/** Object, and its keys that stand in the text more than once. */
export interface LenientResult {
  readonly fields: Fields
  /** Keys of the outermost object, with the key that another field of it got: `id#2`. */
  readonly renamed: readonly (readonly [key: string, name: string])[]
}

/** Tests if a text has more keys than the object that `JSON.parse` has made of it. */
export function hasEqualKeys(text: string, fields: Fields): boolean {
  let keys = 0
  for (let at = text.indexOf('":'); at >= 0; at = text.indexOf('":', at + 2)) {
    if (text.charCodeAt(at - 1) !== BACKSLASH || !isEscaped(text, at)) keys += 1
  }
  return keys > countKeys(fields, 0)
}

/** Tests if an odd number of backslashes precedes a quote. */
function isEscaped(text: string, quote: number): boolean {
  let at = quote
  while (text.charCodeAt(at - 1) === BACKSLASH) at -= 1
  return (quote - at) % 2 === 1
}

/** Counts the keys at all depths. Counts infinitely many in a value of a depth that no logger writes, which is read as it is. */
function countKeys(fields: Fields, depth: number): number {
  if (depth > MAX_DEPTH) return Infinity
  let count = 0
  // `fields[key]` in the body of `for in` uses V8's enum cache: `pnpm bench pipe`.
  for (const key in fields) {
    count += 1
    const value = fields[key]
    if (typeof value === 'object' && value !== null)
      count += Array.isArray(value) ? countInArray(value, depth + 1) : countKeys(value as Fields, depth + 1)
  }
  return count
}

function countInArray(elements: readonly unknown[], depth: number): number {
  if (depth > MAX_DEPTH) return Infinity
  let count = 0
  for (const value of elements)
    if (typeof value === 'object' && value !== null)
      count += Array.isArray(value) ? countInArray(value, depth + 1) : countKeys(value as Fields, depth + 1)
  return count
}

/**
 * Parses an object. A key that stands in it more than once counts for its last field, and for the first one where a library writes the key
 * before the application's fields. The other fields get the keys `id#2`, `id#3`, ….
 *
 * @returns `undefined` when the text is no object, or has a depth of thousands
 */
export function parseLenient(text: string): LenientResult | undefined {
  try {
    return new Parser(text).parse()
  } catch {
    return undefined
  }
}

class Parser {
  private readonly text: string
  private position = 0
  private readonly renamed: [string, string][] = []
  private depth = 0
  /** Value of the last word. */
  private word: unknown

  constructor(text: string) {
    this.text = text
  }

  parse(): LenientResult {
    this.skipSpace()
    if (this.text[this.position] !== '{') throw new SyntaxError()
    const fields = this.object()
    this.skipSpace()
    if (this.position !== this.text.length) throw new SyntaxError()
    return { fields, renamed: this.renamed }
  }

  private value(): unknown {
    this.skipSpace()
    switch (this.text[this.position]) {
      case '{':
        return this.object()
      case '[':
        return this.array()
      case '"':
        return this.string()
      default:
        return this.isWord() ? this.word : this.number()
    }
  }

  private object(): Fields {
    this.position += 1
    this.depth += 1
    const entries: [key: string, value: unknown][] = []
    while (!this.skip('}')) {
      if (entries.length > 0) this.expect(',')
      this.skipSpace()
      const key = this.string()
      this.expect(':')
      entries.push([key, this.value()])
    }
    this.depth -= 1
    return this.fieldsOf(entries)
  }

  private fieldsOf(entries: readonly (readonly [string, unknown])[]): Fields {
    const counted = new Map<string, number>()
    for (const [index, [key]] of entries.entries())
      if (!counted.has(key) || !LIBRARY_KEYS.has(key)) counted.set(key, index)
    const fields: Fields = {}
    for (const [index, [key, value]] of entries.entries())
      if (counted.get(key) === index) setField(fields, key, value)
    const nextNumbers = new Map<string, number>()
    const isTaken = (candidate: string): boolean => Object.hasOwn(fields, candidate)
    for (const [index, [key, value]] of entries.entries()) {
      if (counted.get(key) === index) continue
      const name = distinctKey(key, isTaken, nextNumbers)
      setField(fields, name, value)
      if (this.depth === 0) this.renamed.push([key, name])
    }
    return fields
  }

  private array(): unknown[] {
    this.position += 1
    this.depth += 1
    const elements: unknown[] = []
    while (!this.skip(']')) {
      if (elements.length > 0) this.expect(',')
      elements.push(this.value())
    }
    this.depth -= 1
    return elements
  }

  private string(): string {
    const { text, position } = this
    const end = text[position] === '"' ? endOfText(text, position) : -1
    if (end < 0) throw new SyntaxError()
    this.position = end + 1
    return JSON.parse(text.slice(position, end + 1)) as string
  }

  private isWord(): boolean {
    for (const [word, value] of WORDS) {
      if (!this.text.startsWith(word, this.position)) continue
      this.position += word.length
      this.word = value
      return true
    }
    return false
  }

  /** Reads a number. An integer that a double does not hold becomes a bigint, or its digits when it is longer than any int64. */
  private number(): unknown {
    NUMBER.lastIndex = this.position
    const digits = NUMBER.exec(this.text)?.[0]
    if (digits === undefined) throw new SyntaxError()
    this.position += digits.length
    const value = Number(digits)
    if (!INTEGER.test(digits) || Number.isSafeInteger(value)) return value
    return digits.length <= INT64_LENGTH ? BigInt(digits) : digits
  }

  private expect(character: string): void {
    if (!this.skip(character)) throw new SyntaxError()
  }

  private skip(character: string): boolean {
    this.skipSpace()
    if (this.text[this.position] !== character) return false
    this.position += 1
    return true
  }

  private skipSpace(): void {
    SPACE.lastIndex = this.position
    SPACE.test(this.text)
    this.position = SPACE.lastIndex
  }
}
