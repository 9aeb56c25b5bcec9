import type { ReceivedValue } from './model.ts'

const named: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001B': '\\x1b' }

/** Characters of a text that are printed; a terminal shows no more of them on a page. */
const MAX_PRINTED_LENGTH = 16_384

/** Cuts a long text before anything else is done with it, and says how much is left out. */
export function cut(text: string): string {
  if (text.length <= MAX_PRINTED_LENGTH) return text
  return `${text.slice(0, MAX_PRINTED_LENGTH)}… ${text.length - MAX_PRINTED_LENGTH} more characters`
}

/**
 * Makes received text safe to print on one line. Control characters could forge a line or drive the terminal, and
 * bidirectional controls could show text in another order than it has.
 */
export function printable(text: string): string {
  return escapeControls(cut(text))
}

/** The same for a text that has been cut, or is to be whole. */
export function escapeControls(text: string): string {
  if (text.length <= MAX_PRINTED_LENGTH) return escapeSlice(text)
  // In slices, because a replacement holds all of its matches to the end.
  let escaped = ''
  for (let at = 0; at < text.length; at += MAX_PRINTED_LENGTH) {
    escaped += escapeSlice(text.slice(at, at + MAX_PRINTED_LENGTH))
  }
  return escaped
}

function escapeSlice(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (char) => {
    return named[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** A value on one line: strings bare when that cannot be misread, otherwise quoted as in JSON. */
export function show(value: ReceivedValue): string {
  if (typeof value === 'string') return showText(cut(value))
  if (value === null || typeof value !== 'object') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Uint8Array) return showBytes(value)
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${show(key)}: ${show(item)}`)
    .join(', ')}}`
}

function showText(text: string): string {
  return bare.test(text) ? text : escapeControls(JSON.stringify(text))
}

/** Starts like a word or a path, so it cannot be taken for a number, and is none of the words for other values. */
const bare = /^(?!(?:true|false|null|NaN|Infinity)$)[\p{L}_/][\p{L}\p{N}_./:@+-]*$/u

function showBytes(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 16)).toString('hex')
  return `<${bytes.length} bytes${shown && ` ${shown}`}${bytes.length > 16 ? '…' : ''}>`
}
