import type { ExporterConfig } from '../config/exporter.ts'
import { unlessAborted } from './attempt.ts'

export type Headers = Readonly<Record<string, string>>

/** Names and values that both HTTP and gRPC metadata can carry. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
const VALUE = /^[\x20-\x7e]*$/
/** Of the connection, not of a request: HTTP/2 refuses them. https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const OF_CONNECTION = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i
/** A shorter value is no secret, and would make holes in ordinary words. */
const MIN_SECRET_LENGTH = 4
const SCHEME = /^(basic|bearer|digest|token|api-?key)$/i
const MAX_SHOWN_LENGTH = 200

/** What is wrong with headers, in words that hold no value of theirs; `undefined` when nothing is. */
export function headersProblem(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return 'not an object'
  // A Map or a Headers object has no entries of its own: nothing would be sent, in silence.
  if (Symbol.iterator in headers) return 'not a plain object'
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || name.endsWith('-bin')) return 'a name that cannot be sent'
    if (OF_CONNECTION.test(name)) return `${name}, which belongs to the connection`
    if (typeof value !== 'string') return `a value of ${name} that is not a string`
    if (!VALUE.test(value)) return `a value of ${name} with a character that is not printable ASCII`
  }
  return undefined
}

/**
 * The headers of one request, or in words that hold none of them why they could not be had. A function is asked anew each
 * time, and waited for until the attempt is over.
 */
export async function askHeaders(
  { headers }: ExporterConfig,
  attempt: AbortSignal,
): Promise<{ readonly headers: Headers } | { readonly problem: string }> {
  if (typeof headers !== 'function') return { headers }
  try {
    const given = await unlessAborted(attempt, headers())
    const wrong = headersProblem(given)
    return wrong === undefined ? { headers: { ...given } } : { problem: `the headers function gave ${wrong}` }
  } catch {
    // What was thrown may hold a header.
    return { problem: `the headers function ${attempt.aborted ? 'did not answer in time' : 'failed'}` }
  }
}

/** What a receiver says, fit to be shown: on one line, short, and without the headers that it may repeat. */
export function shown(words: string, headers: Headers): string {
  let text = words
  for (const value of Object.values(headers)) {
    // With its scheme, and without: `Bearer abc`, `abc`.
    for (const secret of [value, ...value.split(/[\s,;=]+/).toReversed()]) {
      if (secret.length >= MIN_SECRET_LENGTH && !SCHEME.test(secret)) text = text.replaceAll(secret, '***')
    }
  }
  // oxlint-disable-next-line no-control-regex -- they are what must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, MAX_SHOWN_LENGTH)
}
