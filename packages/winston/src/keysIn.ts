/** Most characters of a key. */
const MAX_KEY_LENGTH = 128
/** Most names of a key: `user.card` has two. */
const MAX_NAMES = 8
/** Most colons and equals signs that are examined. */
const MAX_SIGNS = 65_536
/** Most white space in front of a value. */
const MAX_SPACE = 64
/** Signs that end a key: `key=`, `key: `, `"key": `. */
const COLON = 0x3a
const EQUALS = 0x3d
const SPACE = 0x20
/** Characters that a key without quotes cannot have. */
const DELIMITERS = ' \t\n\r"\'`{}()[],;:='
const WORD = /[\w$]/

/** Places behind one key. Fields of several objects with this key take the places in turn. */
export class Places {
  readonly starts: number[] = []
  private next = 0

  /** Tests the places in turn, beginning behind the last place that has passed. */
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

/** Finds the keys in front of colons and equals signs, in lower case, and where their values begin. */
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

/** Skips white space: `util.inspect` begins a new line for a long text. */
function skipSpace(text: string, start: number): number {
  let at = start
  while (at < start + MAX_SPACE && text.charCodeAt(at) <= SPACE) at += 1
  return at
}

/** Lists the names in front of a sign: the whole key, and each end of the key that begins a word. */
function namesBefore(text: string, sign: number): string[] {
  const end = text[sign - 1] === ' ' ? sign - 1 : sign
  const least = Math.max(0, end - MAX_KEY_LENGTH)
  const quote = text[end - 1]
  if (quote === '"' || quote === "'") {
    const start = text.lastIndexOf(quote, end - 2)
    return start < least ? [] : [text.slice(start + 1, end - 1)]
  }
  const names: string[] = []
  for (let start = end - 1; start >= least && names.length < MAX_NAMES; start -= 1) {
    if (DELIMITERS.includes(text[start]!)) break
    if (start === 0 || !WORD.test(text[start - 1]!)) names.push(text.slice(start, end))
  }
  return names
}
