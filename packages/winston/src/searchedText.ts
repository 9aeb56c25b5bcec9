import { containsText } from '@logbridge/bridge/internal'
import { keysIn, type Places } from './keysIn.ts'

/** Characters that the searches for one record may visit: some 10 ms. A value that is not found within them counts as hidden. */
const MAX_EFFORT = 2 ** 24
/** Fixed effort of one search, in characters. */
const SEARCH_EFFORT = 256
/** V8 takes quadratic time to search for more than 250 characters. */
const MAX_START = 200
/** Quotation marks in front of a text. */
const QUOTE = /["'`]/
/** Matches the end of a word, number, date or time that a following text continues. */
const BEFORE_WORD = /[\w./-]$|\d:$/
/** Matches the continuation of a word, number, date or time. The `n` of a bigint continues nothing. */
const BEHIND_WORD = /^(?!n\b)\w|^[.:/-]\d/

/**
 * Text that is searched for values. Most texts have the values in the order of the record. So each search begins behind the last
 * hit, and all searches together take the time of one.
 */
export class SearchedText {
  readonly text: string
  private foundKeys: Map<string, Places> | undefined
  private hasObject: boolean | undefined
  private at = 0
  private left = MAX_EFFORT

  constructor(text: string) {
    this.text = text
  }

  /** Keys that the text shows, in lower case, and where their values begin. */
  get keys(): Map<string, Places> {
    return (this.foundKeys ??= keysIn(this.text))
  }

  /** True where a template has turned an object into a text. */
  get hasObjectText(): boolean {
    return (this.hasObject ??= this.text.includes('[object Object]'))
  }

  /** Finds where the values of a key begin, and ignores case. */
  placesOf(key: string): Places | undefined {
    return this.keys.size === 0 ? undefined : this.keys.get(key.toLowerCase())
  }

  /** Tests for a part anywhere in the text. */
  contains(part: string): boolean {
    const { text } = this
    const at = this.find(part.slice(0, MAX_START), this.at)
    if (at >= 0 && text.startsWith(part, at)) {
      this.at = at
      return true
    }
    this.left -= text.length
    return this.left > 0 && containsText(text, part)
  }

  /** Finds a part that belongs to no longer word, number, date or time. @returns -1 if not found */
  indexOfWord(part: string): number {
    const start = this.at
    const at = this.indexOfWordIn(part, start, this.text.length)
    return at < 0 && start > 0 ? this.indexOfWordIn(part, 0, start) : at
  }

  private indexOfWordIn(part: string, from: number, to: number): number {
    const { text } = this
    const start = part.slice(0, MAX_START)
    for (let at = this.find(start, from); at >= 0 && at < to; at = this.find(start, at + 1)) {
      const end = at + part.length
      if (text.startsWith(part, at) && isWord(text, at, end)) return (this.at = at)
    }
    return -1
  }

  /** Tests for a form that begins at one of the places behind a key, in bounded time. */
  begins(places: Places, form: string): boolean {
    const { text } = this
    return places.some((at) => {
      this.left -= 1
      return this.left > 0 && text.startsWith(form, QUOTE.test(text.charAt(at)) ? at + 1 : at)
    })
  }

  private find(part: string, from: number): number {
    if (this.left <= 0) return -1
    const at = this.text.indexOf(part, from)
    this.left -= (at < 0 ? this.text.length : at) - from + SEARCH_EFFORT
    return at
  }
}

/** Tests for a part of a text that neither continues a word nor is continued. */
export function isWord(text: string, start: number, end: number): boolean {
  if (start > 0 && text[start - 1] !== ' ' && BEFORE_WORD.test(text.slice(Math.max(0, start - 2), start)))
    return false
  return end >= text.length || text[end] === ' ' || !BEHIND_WORD.test(text.slice(end, end + 2))
}
