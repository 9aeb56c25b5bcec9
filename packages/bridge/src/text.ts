/* oxlint-disable no-control-regex -- the patterns match control characters */
/** Sequence other than an operating system command, e.g. a color or a cursor movement. */
const CONTROL = /[\u001b\u009b][[\]()#;?]*(?:\d[\d:;]*)?[\dA-PR-TZcf-nq-uy=><~]/g
/** Any sequence. An operating system command, e.g. a link, extends from `ESC ]` to its terminator. */
const COMMAND_OR_CONTROL =
  /\u001b\][^]*?(?:[\u0007\u009c]|\u001b\\|$)|[\u001b\u009b][[\]()#;?]*(?:\d[\d:;]*)?[\dA-PR-TZcf-nq-uy=><~]/g
/** V8 takes quadratic time to search for more than 250 characters. */
const MAX_SEARCHED_LENGTH = 200
/** Occurrences of the first characters of a longer text that are compared in full. */
const MAX_COMPARED = 8

/**
 * Removes escape sequences of a terminal, such as colors and links, in linear time. `util.stripVTControlCharacters` removes the same sequences,
 * but takes quadratic time for commands without a terminator, and differs among versions of Node.js.
 */
export function stripEscapeSequences(text: string): string {
  if (!text.includes('\u001b')) return text
  if (!text.includes('\u001b]')) return text.replace(CONTROL, '')
  // Commands before the last terminator are terminated. Commands after it are not, and searching for their terminators would be quadratic.
  const end = 1 + Math.max(text.lastIndexOf('\u0007'), text.lastIndexOf('\u009c'), lastStringTerminator(text))
  return text.slice(0, end).replace(COMMAND_OR_CONTROL, '') + text.slice(end).replace(CONTROL, '')
}

/** Returns the index of the last character of the last `ESC \`; -1 if there is none. */
function lastStringTerminator(text: string): number {
  const at = text.lastIndexOf('\u001b\\')
  return at < 0 ? at : at + 1
}

/**
 * Tests if a text contains a part, in linear time. Of a part with more than 200 characters, tries the first 8 occurrences of the first 200
 * characters only.
 */
export function containsText(text: string, part: string): boolean {
  if (part.length <= MAX_SEARCHED_LENGTH) return text.includes(part)
  const start = part.slice(0, MAX_SEARCHED_LENGTH)
  let at = text.indexOf(start)
  for (let compared = 1; at >= 0; compared += 1) {
    if (text.startsWith(part, at)) return true
    if (compared === MAX_COMPARED) return false
    at = text.indexOf(start, at + 1)
  }
  return false
}
