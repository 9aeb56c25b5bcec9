import { stringWidth, wrapAnsi } from './vendor/ansi.ts'

/** Indentation of what goes on in the next row when the message begins far to the right. */
const SMALL_INDENT = 4

/**
 * Joins the parts of a line. The rows after the first are indented under the message.
 * @param start parts before the message
 * @param columns width of the terminal; `undefined` for one row
 */
export function wrap(
  start: readonly string[],
  message: readonly string[],
  columns: number | undefined,
): string {
  const head = start.join(' ')
  if (columns === undefined) return [head, ...message].join(' ')
  const indent = stringWidth(head) + 1
  if (indent > columns / 2) return hang('', [head, ...message].join(' '), columns, SMALL_INDENT)
  return hang(`${head} `, message.join(' '), columns, indent)
}

/** Wraps a line that begins with spaces. */
export function wrapIndented(line: string, columns: number | undefined): string {
  if (columns === undefined || stringWidth(line) <= columns) return line
  return hang('', line, columns, SMALL_INDENT * 3)
}

function hang(head: string, text: string, columns: number, indent: number): string {
  const width = Math.max(1, columns - indent)
  return head + wrapAnsi(text, width, { hard: true, trim: false }).replaceAll('\n', `\n${' '.repeat(indent)}`)
}
