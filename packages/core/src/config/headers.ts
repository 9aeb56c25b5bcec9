import type { HeadersOption } from './options.ts'

type Headers = Readonly<Record<string, string>>

/** Names that both HTTP and gRPC metadata carry. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Values that both HTTP and gRPC metadata carry. */
const VALUE = /^[\x20-\x7e]*$/
/** Headers of a connection, which HTTP/2 refuses in a request. https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const CONNECTION_HEADER = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i
/** Headers of the bytes of a message, which no receiver could read with another value. */
const MESSAGE_HEADER = /^(content-encoding|content-length|grpc-encoding)$/i

/**
 * Checks the headers of a request.
 *
 * @returns the first problem, in words that repeat no value of a header; `undefined` for valid headers
 */
export function validateHeaders(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return 'not an object'
  // A Map or a Headers object has no own entries: no header would be sent, without any warning.
  if (Symbol.iterator in headers)
    return 'entries but no properties, as a Map or Headers has (use Object.fromEntries(headers))'
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('"') || name.startsWith("'")) return 'a name that begins with a quote'
    if (!NAME.test(name) || name.endsWith('-bin')) return 'a name that cannot be sent'
    if (CONNECTION_HEADER.test(name)) return `${name}, which belongs to the connection`
    if (MESSAGE_HEADER.test(name)) return `${name}, which the option compression decides`
    if (typeof value !== 'string') return `a value of ${name} that is not a string`
    if (/[\r\n]/.test(value)) return `a value of ${name} with a line break`
    if (!VALUE.test(value)) return `a value of ${name} with a character that is not printable ASCII`
  }
  return undefined
}

/** Explains why the text of a variable is no list of headers, in words that repeat no value. */
export function explainHeadersText(text: string): string | undefined {
  const quotes = 'a quote at its beginning (docker --env-file keeps quotes: leave them out)'
  if (/^['"]/.test(text)) return quotes
  for (const item of text.split(',')) {
    if (item.trim() === '') continue
    const [name = '', ...rest] = item.split('=')
    const shown = NAME.test(name.trim()) ? `of ${name.trim()} ` : ''
    if (rest.length === 0) {
      const [, key] = /^\s*([a-z-]{1,40}):/i.exec(item) ?? []
      const problem = key === undefined ? 'an item without =' : `: instead of = after ${key}`
      return `${problem} (the form is name=value,name2=value2, and a comma within a value is %2C)`
    }
    if (/%(?![\da-f]{2})/i.test(item)) return `a value ${shown}with a % that has to be percent-encoded (%25)`
    if (/[\r\n]/.test(rest.join('=').trim())) return `a value ${shown}with a line break`
  }
  return undefined
}

/**
 * Merges headers by their names, as the official exporters merge the variable of a signal with the variable for all signals. A function
 * keeps being called for each request.
 * @param layers lowest precedence first. Names are compared in lower case
 */
export function mergeHeaders(layers: readonly HeadersOption[]): HeadersOption {
  return (
    layers.reduce<HeadersOption | undefined>((low, high) => {
      if (low === undefined) return high
      if (typeof low !== 'function' && typeof high !== 'function') return merge(low, high)
      return () => {
        const [lower, higher] = [resultOf(low), resultOf(high)]
        return isPromise(lower) || isPromise(higher)
          ? Promise.all([lower, higher]).then(([a, b]) => merge(a, b))
          : merge(lower, higher)
      }
    }, undefined) ?? {}
  )
}

function resultOf(headers: HeadersOption): Headers | Promise<Headers> {
  return typeof headers === 'function' ? headers() : headers
}

function isPromise(value: unknown): value is Promise<Headers> {
  // `instanceof Promise` fails for a promise of another realm, e.g. in Jest.
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** Returns an invalid part as it is, because the caller validates the result. */
function merge(low: Headers, high: Headers): Headers {
  for (const headers of [high, low]) if (validateHeaders(headers) !== undefined) return headers
  const merged = new Map<string, [name: string, value: string]>()
  for (const [name, value] of [...Object.entries(low), ...Object.entries(high)]) {
    merged.set(name.toLowerCase(), [name, value])
  }
  return Object.fromEntries(merged.values())
}
