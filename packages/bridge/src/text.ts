/* oxlint-disable no-control-regex -- they are what is looked for */
/** A sequence other than an operating system command: a color, a cursor movement, … */
const CONTROL = /[\u001b\u009b][[\]()#;?]*(?:\d[\d:;]*)?[\dA-PR-TZcf-nq-uy=><~]/g
/** The same, and operating system commands, such as a link: from `ESC ]` up to their terminator. */
const COMMAND_OR_CONTROL =
  /\u001b\][^]*?(?:[\u0007\u009c]|\u001b\\|$)|[\u001b\u009b][[\]()#;?]*(?:\d[\d:;]*)?[\dA-PR-TZcf-nq-uy=><~]/g
/** V8 takes quadratic time to search for more than 250 characters. */
const MAX_SEARCHED_LENGTH = 200
/** Occurrences of the first characters of a longer text that are compared with all of it. */
const MAX_COMPARED = 8

/**
 * Removes what a terminal takes for colors, links and other commands, in linear time. `util.stripVTControlCharacters`,
 * whose sequences these are, takes quadratic time for commands without a terminator, and differs among versions of Node.js.
 */
export function stripEscapeSequences(text: string): string {
  if (!text.includes('\u001b')) return text
  if (!text.includes('\u001b]')) return text.replace(CONTROL, '')
  // In front of the last terminator each command has one. Behind it none has, and each would be looked for in vain.
  const end = 1 + Math.max(text.lastIndexOf('\u0007'), text.lastIndexOf('\u009c'), lastStringTerminator(text))
  return text.slice(0, end).replace(COMMAND_OR_CONTROL, '') + text.slice(end).replace(CONTROL, '')
}

/** Finds the last character of the last `ESC \`; -1 without one. */
function lastStringTerminator(text: string): number {
  const at = text.lastIndexOf('\u001b\\')
  return at < 0 ? at : at + 1
}

/**
 * Finds a text in another one, in linear time. A text of more than 200 characters is found where these begin one of their
 * first 8 occurrences.
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
