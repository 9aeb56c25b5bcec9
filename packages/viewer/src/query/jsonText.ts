import type { ReceivedValue } from '../model.ts'

/**
 * Formats a value as the JSON that the store keeps. Integers keep all digits, bytes become base64, and numbers that JSON lacks become
 * text. Control characters are written as \u00XX rather than \n, so that a search for `n` finds no line break.
 */
export function toJsonText(value: ReceivedValue): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : quote(String(value))
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      if (value === null) return 'null'
      if (value instanceof Uint8Array) return quote(Buffer.from(value).toString('base64'))
      if (Array.isArray(value)) return `[${value.map(toJsonText).join(',')}]`
      return objectText(value)
  }
}

/** Returns the JSON text of a string without its quotes, to search for it in other JSON text. */
export function toJsonFragment(text: string): string {
  return quote(text).slice(1, -1)
}

function objectText(object: { [key: string]: ReceivedValue }): string {
  let text = '{'
  for (const key in object) text += `${text === '{' ? '' : ','}${quote(key)}:${toJsonText(object[key]!)}`
  return `${text}}`
}

const SHORT_ESCAPE = /\\(?:u....|[^u])/g
const CODES: Readonly<Record<string, string>> = {
  '\\b': '\\u0008',
  '\\t': '\\u0009',
  '\\n': '\\u000a',
  '\\f': '\\u000c',
  '\\r': '\\u000d',
}

function quote(text: string): string {
  const json = JSON.stringify(text)
  return json.includes('\\') ? json.replace(SHORT_ESCAPE, (escape) => CODES[escape] ?? escape) : json
}
