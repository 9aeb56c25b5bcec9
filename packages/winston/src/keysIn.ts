/** Characters of a key in a text, and names in it (`user.card` has two) that are looked at. */
const MAX_KEY_LENGTH = 128
const MAX_NAMES = 8
/** Colons and equals signs that are looked at. */
const MAX_SIGNS = 65_536
/** White space in front of a value. */
const MAX_SPACE = 64
/** End a key: `key=`, `key: `, `"key": `. */
const COLON = 0x3a
const EQUALS = 0x3d
const SPACE = 0x20
/** Cannot be in a key without quotes. */
const DELIMITERS = ' \t\n\r"\'`{}()[],;:='
const WORD = /[\w$]/

/** Places behind one key. Fields of many objects with this key have them in turn. */
export class Places {
  readonly starts: number[] = []
  private next = 0

  /** Tests the places one by one, from the one behind the last that has passed. */
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

/** Finds what stands in front of colons and equals signs: keys in lower case, and where their values begin. */
export function keysIn(text: string): Map<string, Places> {
  const keys = new Map<string, Places>()
  let signs = MAX_SIGNS
  for (let sign = 0; sign < text.length; sign += 1) {
    const code = text.charCodeAt(sign)
    if (code !== COLON && code !== EQUALS) continue
    if ((signs -= 1) < 0) break
    const at = behindSpace(text, sign + 1)
    for (const given of namesBefore(text, sign)) {
      const name = given.toLowerCase()
      let places = keys.get(name)
      if (places === undefined) keys.set(name, (places = new Places()))
      places.starts.push(at)
    }
  }
  return keys
}

/** `util.inspect` begins a new line for a long text. */
function behindSpace(text: string, start: number): number {
  let at = start
  while (at < start + MAX_SPACE && text.charCodeAt(at) <= SPACE) at += 1
  return at
}

/** The key in front of a sign: all of it, and each end of it that begins a word. */
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
