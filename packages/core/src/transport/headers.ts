import type { ExporterConfig } from '../config/exporter.ts'
import { validateHeaders } from '../config/headers.ts'
import { raceAbort } from './deadline.ts'

export type Headers = Readonly<Record<string, string>>

/** Last result of the headers function of each exporter, whose values diagnostics hide. */
const lastResults = new WeakMap<ExporterConfig, Headers>()

/**
 * Resolves the headers of one request. Calls a headers function for each request, and waits for its promise until the abort.
 * @returns the headers, or the problem in words that repeat no value of a header
 */
export async function resolveHeaders(
  config: ExporterConfig,
  attempt: AbortSignal,
): Promise<{ readonly headers: Headers } | { readonly problem: string }> {
  const { headers: option } = config
  if (typeof option !== 'function') return { headers: option }
  try {
    const result = await raceAbort(attempt, option())
    const problem = validateHeaders(result)
    if (problem !== undefined) return { problem: `headers function returned ${problem}` }
    const headers = { ...result }
    lastResults.set(config, headers)
    return { headers }
  } catch {
    // Leave out the error, because its message may contain a header.
    return { problem: `headers function ${attempt.aborted ? 'did not return in time' : 'failed'}` }
  }
}

/** Returns the headers of the option, or the last result of its function. */
export function lastHeaders(config: ExporterConfig): Headers {
  return typeof config.headers === 'function' ? (lastResults.get(config) ?? {}) : config.headers
}

/**
 * Returns headers without waiting. For a function that returns a promise, returns the last result.
 * @throws Error when the function has no result yet, with a message that contains no header
 */
export function headersNow(config: ExporterConfig): Headers {
  const { headers: option } = config
  if (typeof option !== 'function') return option
  const result = callSafely(option)
  // `instanceof Promise` fails for a promise of another realm, e.g. in Jest.
  if (isThenable(result)) result.then(undefined, () => {})
  else if (validateHeaders(result) === undefined) lastResults.set(config, { ...(result as Headers) })
  const headers = lastResults.get(config)
  if (headers === undefined) throw new Error('headers function has returned no headers yet')
  return headers
}

function callSafely(run: () => unknown): unknown {
  try {
    return run()
  } catch {
    return undefined
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

/** Returns headers with their names in lower case, as HTTP/2 sends them. */
export function lowerCaseNames(headers: Headers): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value
  return lower
}

/**
 * Removes `user:password@` from a URL and returns the header for it. Node.js would send the same header, but diagnostics could then
 * not hide the credentials when a receiver repeats the header.
 */
export function extractCredentials(url: URL): Headers {
  const { username, password } = url
  if (!username && !password) return {}
  url.username = ''
  url.password = ''
  const pair = `${decode(username)}:${decode(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
