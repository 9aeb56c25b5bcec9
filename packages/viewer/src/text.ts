import type { ReceivedValue } from './model.ts'

const shortEscapes: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001B': '\\x1b' }

/** Characters of a text that are printed, about the capacity of a terminal page. */
const MAX_PRINTED_LENGTH = 16_384

/** Formats a number with its noun: `1 span`, `2 spans`. */
export function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Shortens a long text and appends the number of omitted characters. Runs first, so that later steps see a short text. */
export function truncate(text: string): string {
  if (text.length <= MAX_PRINTED_LENGTH) return text
  return `${text.slice(0, MAX_PRINTED_LENGTH)}… ${text.length - MAX_PRINTED_LENGTH} more characters`
}

/**
 * Makes received text safe to print on one line. Control characters could forge a line or control the terminal, and
 * bidirectional controls could display text in another order.
 */
export function printable(text: string): string {
  return escapeControls(truncate(text))
}

/** Escapes the control characters of a text of any length. */
export function escapeControls(text: string): string {
  if (text.length <= MAX_PRINTED_LENGTH) return escapeSlice(text)
  // Slices bound the memory, because `replace` collects all of its matches first.
  let escaped = ''
  for (let at = 0; at < text.length; at += MAX_PRINTED_LENGTH) {
    escaped += escapeSlice(text.slice(at, at + MAX_PRINTED_LENGTH))
  }
  return escaped
}

function escapeSlice(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (char) => {
    return shortEscapes[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Formats a value on one line. Quotes a string as in JSON when it could be mistaken for another value. */
export function formatValue(value: ReceivedValue): string {
  if (typeof value === 'string') return formatText(truncate(value))
  if (value === null || typeof value !== 'object') return Object.is(value, -0) ? '-0' : String(value)
  if (value instanceof Uint8Array) return formatBytes(value)
  if (Array.isArray(value)) return `[${value.map(formatValue).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${formatValue(key)}: ${formatValue(item)}`)
    .join(', ')}}`
}

function formatText(text: string): string {
  return unquoted.test(text) ? text : escapeControls(JSON.stringify(text))
}

/** Matches a word or a path: starts with no digit, and differs from the names of other values. */
const unquoted = /^(?!(?:true|false|null|NaN|Infinity)$)[\p{L}_/][\p{L}\p{N}_./:@+-]*$/u

function formatBytes(bytes: Uint8Array): string {
  const firstBytes = Buffer.from(bytes.subarray(0, 16)).toString('hex')
  return `<${bytes.length} bytes${firstBytes && ` ${firstBytes}`}${bytes.length > 16 ? '…' : ''}>`
}
