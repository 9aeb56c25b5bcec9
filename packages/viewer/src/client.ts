/** Client of the HTTP API of a running viewer, for the commands and for `@logbridge/mcp`. */
import { ViewerError } from './errors.ts'
import { findViewers, type RunningViewer } from './commands/runningViewers.ts'
import type { ReceivedValue } from './model.ts'

export type { ServiceSummary } from './store/answers.ts'
export type { ParsedLogRow, ParsedTrace } from './commands/records.ts'
export { describeTrace, orderSpans } from './traceSummary.ts'
export { formatDuration, formatLogRecord } from './format.ts'
export { toLogRecord } from './commands/records.ts'
export { suggestField } from './query/suggestField.ts'
export { counted } from './text.ts'

export interface ClientOptions {
  /**
   * Address of the viewer, with or without `?token=…`.
   *
   * @default the viewer that this user started last on this machine
   */
  url?: string | undefined
  /** Token of the viewer at `url`. */
  token?: string | undefined
}

export type QueryParameters = Readonly<Record<string, string | number | undefined>>

/** Client of one viewer. Every method throws ViewerError `REQUEST_FAILED` with the answer of the viewer. */
export interface ViewerClient {
  /** Address without the token. */
  readonly url: string
  /** Reads an answer of JSON. Integers that a number cannot hold become bigints. */
  json<T>(path: string, parameters?: QueryParameters): Promise<T>
  /** Reads an answer of lines of JSON, one at a time. */
  lines(path: string, parameters?: QueryParameters): AsyncGenerator<string>
  /** Sends lines of OTLP/JSON. */
  importLines<T>(lines: AsyncIterable<Uint8Array>): Promise<T>
}

/**
 * Finds a running viewer.
 *
 * @throws ViewerError `NOT_RUNNING` when none is found, `INVALID_OPTION` for another URL than http and https
 */
export function connectViewer(options: ClientOptions = {}): ViewerClient {
  const { url, token } = options.url === undefined ? newestViewer() : named(options.url, options.token)

  async function request(
    path: string,
    parameters: QueryParameters = {},
    init: RequestInit = {},
  ): Promise<Response> {
    const target = new URL(path, url)
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) target.searchParams.set(name, String(value))
    }
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
    let response
    try {
      response = await fetch(target, { ...init, headers, redirect: 'error' })
    } catch (error) {
      const { cause, message } = error as Error
      const reason = cause instanceof Error ? cause.message : message
      throw new ViewerError('NOT_RUNNING', `The viewer at ${url} cannot be reached: ${reason}`, {
        cause: error,
      })
    }
    if (!response.ok) throw await failure(response)
    return response
  }

  return {
    url,
    json: async (path, parameters) => parseJson(await (await request(path, parameters)).text()) as never,
    async *lines(path, parameters) {
      const { body } = await request(path, parameters)
      yield* splitLines(body!.pipeThrough(new TextDecoderStream()))
    },
    async importLines(lines) {
      const response = await request('api/import', undefined, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: ReadableStream.from(lines),
        duplex: 'half',
      })
      return parseJson(await response.text()) as never
    },
  }
}

/** Parses JSON. Integers that a number cannot hold become bigints. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_name, value: ReceivedValue, context?: { source?: string }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? BigInt(context!.source!)
      : value,
  ) as unknown
}

async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let pending = ''
  for await (const chunk of chunks) {
    const lines = (pending + chunk).split('\n')
    pending = lines.pop()!
    yield* lines
  }
  if (pending !== '') yield pending
}

function newestViewer(): RunningViewer {
  const [newest] = findViewers()
  if (newest !== undefined) return newest
  throw new ViewerError(
    'NOT_RUNNING',
    'No viewer of this user runs on this machine. Start one with npx @logbridge/viewer, or name one with --url.',
  )
}

function named(text: string, given: string | undefined): RunningViewer {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new ViewerError(
      'INVALID_OPTION',
      `The URL of the viewer must begin with http, not ${JSON.stringify(text)}`,
    )
  }
  const url = new URL(text)
  const inUrl = url.searchParams.get('token') ?? undefined
  const base = `${url.origin}/`
  const known = findViewers().find((viewer) => viewer.url === base)
  return { url: base, token: given ?? inUrl ?? known?.token }
}

async function failure(response: Response): Promise<ViewerError> {
  const text = await response.text()
  let message = `HTTP ${response.status}`
  try {
    const answer = JSON.parse(text) as { error: string }
    message = answer.error
  } catch {
    // Another server answers at this port.
    message += ' of a server that is no viewer'
  }
  return new ViewerError('REQUEST_FAILED', message)
}
