import type { ExporterConfig } from '../config/exporter.ts'
import { validateHeaders } from '../config/headers.ts'
import { raceAbort } from './deadline.ts'

export type Headers = Readonly<Record<string, string>>

/** What a function has given for the last request: secrets for the diagnostics of this exporter. */
const given = new WeakMap<ExporterConfig, Headers>()

/**
 * The headers of one request, or in words that hold none of them why they could not be had. A function is asked anew each
 * time, and waited for until the attempt is over.
 */
export async function resolveHeaders(
  config: ExporterConfig,
  attempt: AbortSignal,
): Promise<{ readonly headers: Headers } | { readonly problem: string }> {
  const { headers: option } = config
  if (typeof option !== 'function') return { headers: option }
  try {
    const answer = await raceAbort(attempt, option())
    const wrong = validateHeaders(answer)
    if (wrong !== undefined) return { problem: `the headers function gave ${wrong}` }
    const headers = { ...answer }
    given.set(config, headers)
    return { headers }
  } catch {
    // What was thrown may hold a header.
    return { problem: `the headers function ${attempt.aborted ? 'did not answer in time' : 'failed'}` }
  }
}

/** The headers of the option, or those that its function gave last. */
export function lastHeaders(config: ExporterConfig): Headers {
  return typeof config.headers === 'function' ? (given.get(config) ?? {}) : config.headers
}

/**
 * The headers of a request that cannot wait. A function that gives a promise has the headers used that it gave last.
 * @throws Error when it has given none yet, in words that hold no header
 */
export function headersNow(config: ExporterConfig): Headers {
  const { headers: option } = config
  if (typeof option !== 'function') return option
  const answer = attempted(option)
  // A promise of another realm, as under Jest, is none of ours.
  if (isThenable(answer)) answer.then(undefined, () => {})
  else if (validateHeaders(answer) === undefined) given.set(config, { ...(answer as Headers) })
  const headers = given.get(config)
  if (headers === undefined) throw new Error('the headers function has given none yet')
  return headers
}

function attempted(run: () => unknown): unknown {
  try {
    return run()
  } catch {
    return undefined
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}
