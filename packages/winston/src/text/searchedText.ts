import { containsText } from '@logbridge/bridge/internal'

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
/** Largest number of characters of a key. */
const MAX_KEY_LENGTH = 128
/** Largest number of names of a key: `user.card` has the names `user.card` and `card`. */
const MAX_NAMES = 8
/** Largest number of colons and equals signs that are examined in a text. */
const MAX_SIGNS = 65_536
/** Largest number of white space characters between a sign and its value. */
const MAX_SPACE = 64
/** Signs that end a key: `key=`, `key: `, `"key": `. */
const COLON = 0x3a
const EQUALS = 0x3d
/** Last code of white space. Tabs and line breaks have lower codes. */
const SPACE = 0x20
/** Characters that end a key without quotes. */
const DELIMITERS = ' \t\n\r"\'`{}()[],;:='
/** Matches a character of a word. */
const WORD = /[\w$]/

/** Places in a text where the values of one key begin. A text can show the same key for several objects, and each object has its own place. */
export class Places {
  readonly starts: number[] = []
  private next = 0

  /** Tests if any place passes. Begins behind the place that passed last, because that place belongs to an earlier object. */
  some(test: (at: number) => boolean): boolean {
    const { starts } = this
    for (let count = 0; count < starts.length; count += 1) {
      const index = (this.next + count) % starts.length
      if (!test(starts[index]!)) continue
      this.next = index + 1
      return true
    }
    return false
  }
}

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

/**
 * Finds the keys of a text, which stand in front of colons and equals signs.
 *
 * @returns the places where the values begin, by the key in lower case
 */
function keysIn(text: string): Map<string, Places> {
  const keys = new Map<string, Places>()
  let signs = MAX_SIGNS
  for (let sign = 0; sign < text.length; sign += 1) {
    const code = text.charCodeAt(sign)
    if (code !== COLON && code !== EQUALS) continue
    if ((signs -= 1) < 0) break
    const at = skipSpace(text, sign + 1)
    for (const written of namesBefore(text, sign)) {
      const name = written.toLowerCase()
      let places = keys.get(name)
      if (places === undefined) keys.set(name, (places = new Places()))
      places.starts.push(at)
    }
  }
  return keys
}

/** Returns the position behind white space. Line breaks count, because `util.inspect` begins a new line in front of a long text. */
function skipSpace(text: string, start: number): number {
  let at = start
  while (at < start + MAX_SPACE && text.charCodeAt(at) <= SPACE) at += 1
  return at
}

/**
 * Lists the names of the key in front of a sign. A key without quotes has several: the whole key, and each end of the key behind a character
 * that belongs to no word, such as `card` in `user.card`.
 */
function namesBefore(text: string, sign: number): string[] {
  const end = text[sign - 1] === ' ' ? sign - 1 : sign
  const earliest = Math.max(0, end - MAX_KEY_LENGTH)
  const quote = text[end - 1]
  if (quote === '"' || quote === "'") {
    const start = text.lastIndexOf(quote, end - 2)
    return start < earliest ? [] : [text.slice(start + 1, end - 1)]
  }
  const names: string[] = []
  for (let start = end - 1; start >= earliest && names.length < MAX_NAMES; start -= 1) {
    if (DELIMITERS.includes(text[start]!)) break
    if (start === 0 || !WORD.test(text[start - 1]!)) names.push(text.slice(start, end))
  }
  return names
}
