import { counted } from '@logbridge/viewer/client'

/** Joins lines up to a size in bytes of UTF-8, and says how many are left out. Cuts the first line when the line alone is too long. */
export function shorten(lines: readonly string[], maxBytes: number): string {
  const whole = lines.join('\n')
  if (Buffer.byteLength(whole) <= maxBytes) return whole
  const note = (count: number): string =>
    `\n… ${counted(count, 'more line')}; ask with a larger maxBytes, or narrow the query`
  const room = maxBytes - Buffer.byteLength(note(lines.length))
  let text = ''
  for (const [at, line] of lines.entries()) {
    const next = at === 0 ? line : `${text}\n${line}`
    if (Buffer.byteLength(next) > room) {
      return at === 0 ? cut(line, room) + note(lines.length - 1) : text + note(lines.length - at)
    }
    text = next
  }
  return text
}

/** Cuts a text to a number of bytes, between two characters. */
function cut(text: string, maxBytes: number): string {
  const bytes = new Uint8Array(maxBytes)
  const { read } = new TextEncoder().encodeInto(text, bytes)
  return text.slice(0, read)
}
