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
 * Finds the keys of a text, which stand in front of colons and equals signs.
 *
 * @returns the places where the values begin, by the key in lower case
 */
export function keysIn(text: string): Map<string, Places> {
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
