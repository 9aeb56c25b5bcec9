/** Answers of the HTTP API. Each route is a GET request with parameters, unless it changes the store. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Signal } from '../decode.ts'
import { ViewerError } from '../errors.ts'
import { TooLargeError } from '../memory.ts'
import { QueryError } from '../query/query.ts'
import { importLines } from '../store/importLines.ts'
import type { Store } from '../store/store.ts'
import { followLogs, sendUpdates } from './live.ts'
import { toArray, toLine, write, writeLogs } from './lines.ts'

/** State of the viewer itself, which the page shows. */
export interface Status {
  version: string
  grpcUrl: string
  httpUrl: string
  /** Requests that were refused. */
  refused: number
  /** Requests that `--forward` sent on, and those that failed. */
  forwarded?: { url: string; sent: number; failed: number; lastError: string }
}

export interface ApiContext {
  store: Store
  status(): Status
}

type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  parameters: URLSearchParams,
) => Promise<void> | void

const JSON_TYPE = 'application/json; charset=utf-8'
const LINES_TYPE = 'application/x-ndjson; charset=utf-8'

/** Error in a parameter. */
class ParameterError extends Error {}

/** Creates the handlers by method and path. */
export function createApi({ store, status }: ApiContext): ReadonlyMap<string, Handler> {
  return new Map<string, Handler>([
    [
      'GET /api/logs',
      async (_request, response, parameters) => {
        const query = queryOf(parameters)
        if (parameters.has('follow')) {
          response.setHeader('content-type', LINES_TYPE)
          return followLogs(store, response, query, numberOf(parameters, 'limit') ?? 0)
        }
        const ids = await store.read('logIds', {
          query,
          limit: numberOf(parameters, 'limit'),
          before: numberOf(parameters, 'before'),
          after: numberOf(parameters, 'after'),
        })
        await sendLogs(store, response, ids)
      },
    ],
    [
      'GET /api/log',
      async (_request, response, parameters) => {
        const row = await store.read('log', { id: required(parameters, 'id') })
        if (row === undefined)
          sendError(response, 404, 'The record is unknown, or has been dropped as the oldest.')
        else send(response, JSON_TYPE, toLine(row))
      },
    ],
    [
      'GET /api/context',
      async (_request, response, parameters) => {
        const ids = await store.read('contextIds', {
          id: required(parameters, 'id'),
          count: numberOf(parameters, 'count'),
        })
        await sendLogs(store, response, ids)
      },
    ],
    [
      'GET /api/histogram',
      async (_request, response, parameters) => {
        sendJson(
          response,
          await store.read('histogram', {
            query: queryOf(parameters),
            from: numberOf(parameters, 'from'),
            to: numberOf(parameters, 'to'),
            buckets: numberOf(parameters, 'buckets'),
          }),
        )
      },
    ],
    [
      'GET /api/facets',
      async (_request, response, parameters) =>
        sendJson(response, await store.read('facets', { query: queryOf(parameters) })),
    ],
    [
      'GET /api/patterns',
      async (_request, response, parameters) =>
        sendJson(
          response,
          await store.read('patterns', { query: queryOf(parameters), limit: numberOf(parameters, 'limit') }),
        ),
    ],
    [
      'GET /api/traces',
      async (_request, response, parameters) => {
        const rows = await store.read('traces', {
          query: queryOf(parameters),
          limit: numberOf(parameters, 'limit'),
        })
        send(response, LINES_TYPE, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
      },
    ],
    [
      'GET /api/trace',
      async (_request, response, parameters) => {
        const { spans, logs, total } = await store.read('trace', { traceId: traceIdOf(parameters) })
        if (spans.length === 0 && logs.length === 0)
          sendError(response, 404, 'No span or log has this trace id.')
        else
          send(
            response,
            JSON_TYPE,
            `{"spans":${toArray(spans)},"logs":${toArray(logs)},"total":${JSON.stringify(total)}}`,
          )
      },
    ],
    ['GET /api/services', async (_request, response) => sendJson(response, await store.read('services'))],
    [
      'GET /api/count',
      async (_request, response, parameters) => {
        const field = parameters.get('field') ?? ''
        if (field === '') throw new ParameterError('the parameter field is missing')
        const rows = await store.read('countBy', {
          query: queryOf(parameters),
          field,
          limit: numberOf(parameters, 'limit'),
        })
        send(response, JSON_TYPE, toArray(rows))
      },
    ],
    [
      'GET /api/metrics',
      async (_request, response, parameters) =>
        sendJson(
          response,
          await store.read('metrics', { query: queryOf(parameters), limit: numberOf(parameters, 'limit') }),
        ),
    ],
    [
      'GET /api/metric',
      async (_request, response, parameters) => {
        const series = await store.read('metric', {
          name: parameters.get('name') ?? '',
          service: parameters.get('service') ?? undefined,
          limit: numberOf(parameters, 'limit'),
        })
        send(
          response,
          JSON_TYPE,
          `[${series.map(({ attributes, points }) => `{"attributes":${attributes},"points":${toArray(points)}}`).join(',')}]`,
        )
      },
    ],
    [
      'GET /api/status',
      async (_request, response) =>
        sendJson(response, { ...status(), stored: await store.read('counts'), ...store.written() }),
    ],
    [
      'GET /api/live',
      (_request, response, parameters) =>
        sendUpdates(store, response, queryOf(parameters), numberOf(parameters, 'limit')),
    ],
    [
      'GET /api/export',
      async (_request, response, parameters) => {
        const signal = signalOf(parameters)
        const query = queryOf(parameters)
        let page = await store.read('exportPage', { signal, query })
        response.writeHead(200, {
          'content-type': LINES_TYPE,
          'content-disposition': `attachment; filename="${signal}.jsonl"`,
        })
        while (page.lines.length > 0 && !response.destroyed) {
          await write(response, `${page.lines.join('\n')}\n`)
          page = await store.read('exportPage', { signal, query, after: page.last })
        }
        response.end()
      },
    ],
    [
      'POST /api/import',
      async (request, response) => {
        checkType(request, ['application/x-ndjson', 'application/json'])
        sendJson(response, await importLines(store, request))
      },
    ],
    [
      'POST /api/clear',
      async (request, response) => {
        checkType(request, ['application/json'])
        await store.clear()
        sendJson(response, {})
      },
    ],
  ])
}

/** Answers an error of a handler. */
export function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
  } else if (error instanceof QueryError) {
    sendError(response, 400, error.message, { location: error.location })
  } else if (error instanceof TooLargeError) {
    sendError(response, 413, error.message)
  } else if (error instanceof ParameterError) {
    sendError(response, 400, error.message)
  } else if (error instanceof ViewerError && error.code === 'QUERY_TIMEOUT') {
    sendError(response, 504, error.message)
  } else {
    sendError(response, 500, (error as Error).message)
  }
}

export function sendError(
  response: ServerResponse,
  status: number,
  message: string,
  more: object = {},
): void {
  response.writeHead(status, { 'content-type': JSON_TYPE })
  response.end(`${JSON.stringify({ error: message, ...more })}\n`)
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(body)
}

async function sendLogs(store: Store, response: ServerResponse, ids: readonly number[]): Promise<void> {
  response.writeHead(200, { 'content-type': LINES_TYPE, 'cache-control': 'no-store' })
  await writeLogs(store, response, ids)
  response.end()
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, JSON_TYPE, JSON.stringify(value))
}

function queryOf(parameters: URLSearchParams): string {
  return parameters.get('q') ?? ''
}

function numberOf(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name)
  if (text === null) return undefined
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number))
    throw new ParameterError(`${name} must be a number, not ${JSON.stringify(text)}`)
  return number
}

function required(parameters: URLSearchParams, name: string): number {
  const number = numberOf(parameters, name)
  if (number === undefined) throw new ParameterError(`the parameter ${name} is missing`)
  return number
}

/** Returns a trace id, which becomes a part of a query, so that it must be no query itself. */
function traceIdOf(parameters: URLSearchParams): string {
  const id = parameters.get('id') ?? ''
  if (/^[\da-f]{1,32}$/i.test(id)) return id
  throw new ParameterError(`id must be up to 32 hex digits, not ${JSON.stringify(id)}`)
}

function signalOf(parameters: URLSearchParams): Signal {
  const signal = parameters.get('signal') ?? 'logs'
  if (signal === 'logs' || signal === 'traces' || signal === 'metrics') return signal
  throw new ParameterError(`signal must be logs, traces, or metrics, not ${JSON.stringify(signal)}`)
}

/** Refuses content types that a form of another page can send. */
function checkType(request: IncomingMessage, allowed: readonly string[]): void {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (!allowed.includes(type)) throw new ParameterError(`the content type must be ${allowed.join(' or ')}`)
}
