import { QueryError, type Location } from '../src/query/query.ts'

type Parameters = Readonly<Record<string, string | number | undefined>>

const LARGE_INTEGER = /[:[,]\s*-?\d{16}/
// TypeScript's library has no context of a reviver.
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown

/** Parses JSON. Integers outside the safe range become bigints. */
export function parseJson(text: string): unknown {
  // The reviver is slow, and few texts need it.
  if (!LARGE_INTEGER.test(text)) return JSON.parse(text)
  return parseWithSource(text, (_key, value, { source }) =>
    typeof value === 'number' &&
    !Number.isSafeInteger(value) &&
    source !== undefined &&
    /^-?\d+$/.test(source)
      ? BigInt(source)
      : value,
  )
}

/** Builds the address of a route of the HTTP API. Parameters that are undefined are left out. */
export function apiUrl(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) search.set(name, String(value))
  return `/api/${path}${search.size > 0 ? `?${search}` : ''}`
}

/**
 * Reads a JSON answer.
 *
 * @throws QueryError for a wrong query, and Error with the message of the viewer
 */
export async function readJson<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  return parseJson(await request(apiUrl(path, parameters), { signal: signal ?? null })) as T
}

/** Reads an answer of JSON lines. */
export async function readLines<T>(
  path: string,
  parameters?: Parameters,
  signal?: AbortSignal,
): Promise<T[]> {
  const text = await request(apiUrl(path, parameters), { signal: signal ?? null })
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJson(line) as T)
}

/** Changes the store. */
export async function post<T>(path: string, type: string, body: BodyInit): Promise<T> {
  const headers = { 'content-type': type }
  return parseJson(await request(apiUrl(path), { method: 'POST', headers, body })) as T
}

async function request(url: string, init: RequestInit): Promise<string> {
  let response
  try {
    response = await fetch(url, init)
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error
    throw new Error('The viewer does not answer. Start it again; the page connects by itself.', {
      cause: error,
    })
  }
  const text = await response.text()
  if (response.ok) return text
  const { error, location } = answerOf(text)
  if (location !== undefined) throw new QueryError(error, location)
  throw new Error(error)
}

function answerOf(text: string): { error: string; location?: Location } {
  try {
    return JSON.parse(text) as { error: string; location?: Location }
  } catch {
    return { error: text.slice(0, 200) }
  }
}
