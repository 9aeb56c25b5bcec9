/** Syntax after which a text may be optional, be folded, or be quoted. */
const UNKNOWN = /\||\(\?|\\Q|\[\[|\[\^?\]/
/** Parts of a pattern: a class, an escape, a quantifier, or one character. */
const PARTS = /\[(?:\\.|[^\]\\])*\]|\\.|[*?+]|\{[^}]*\}|./gsu

/** Returns a text that each match of a pattern contains, the longest that is found; '' for none. */
export function requiredText(pattern: string, flags: string): string {
  if (flags.includes('i') || UNKNOWN.test(pattern)) return ''
  let longest = ''
  let text = ''
  let depth = 0
  const end = (): void => {
    if (text.length > longest.length) longest = text
    text = ''
  }
  for (const [part] of pattern.matchAll(PARTS)) {
    if (/^[\p{L}\p{N} _\-:,;@#%&!<>='`~]$/u.test(part) && depth === 0) {
      text += part
      continue
    }
    if (part === '(') depth += 1
    else if (part === ')') depth -= 1
    // The character before these can be missing.
    else if (part === '*' || part === '?' || part.startsWith('{')) text = text.replace(/.$/su, '')
    end()
  }
  end()
  return longest
}
