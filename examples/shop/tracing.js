import http from 'node:http'
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api'

/**
 * Runs `work` in a new active span. Records that `work` logs belong to the trace of the span.
 *
 * @template T
 * @param {import('@opentelemetry/api').Tracer} tracer
 * @param {string} name
 * @param {import('@opentelemetry/api').SpanOptions} options
 * @param {(span: import('@opentelemetry/api').Span) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function inSpan(tracer, name, options, work) {
  return tracer.startActiveSpan(name, options, async (span) => {
    try {
      return await work(span)
    } catch (error) {
      span.recordException(error)
      span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
      throw error
    } finally {
      span.end()
    }
  })
}

/**
 * Starts a service with one JSON route on a free port. Continues the trace of the request's headers
 * (https://www.w3.org/TR/trace-context/).
 *
 * @param {import('@opentelemetry/api').Tracer} tracer
 * @param {string} path
 * @param {(body: any) => Promise<object>} handle answers with 200, or throws a ServiceError with another status
 */
export async function serve(tracer, path, handle) {
  const server = http.createServer(async (request, response) => {
    const caller = propagation.extract(ROOT_CONTEXT, request.headers)
    const work = async () => handle(JSON.parse((await request.toArray()).join('')))
    const span = { kind: SpanKind.SERVER, attributes: { 'http.request.method': 'POST', 'http.route': path } }
    try {
      const answer = await context.with(caller, () => inSpan(tracer, `POST ${path}`, span, work))
      response.end(JSON.stringify(answer))
    } catch (error) {
      response.writeHead(error.status ?? 500).end(JSON.stringify({ error: error.message }))
    }
  })
  await new Promise((resolve, reject) => server.listen(0, '127.0.0.1', resolve).once('error', reject))
  return {
    url: `http://127.0.0.1:${server.address().port}${path}`,
    close: () => new Promise((resolve) => server.close(resolve)),
  }
}

/**
 * Calls a service with the trace context in the headers.
 *
 * @param {import('@opentelemetry/api').Tracer} tracer
 * @param {string} url
 * @param {object} body
 * @throws {ServiceError} when the service answers with an error
 */
export function call(tracer, url, body) {
  const attributes = { 'http.request.method': 'POST', 'url.full': url }
  return inSpan(tracer, 'POST', { kind: SpanKind.CLIENT, attributes }, async (span) => {
    const headers = { 'content-type': 'application/json' }
    propagation.inject(context.active(), headers)
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    span.setAttribute('http.response.status_code', response.status)
    const answer = await response.json()
    if (!response.ok) throw new ServiceError(answer.error, { status: response.status })
    return answer
  })
}

/** Error answer of a service. */
export class ServiceError extends Error {
  name = 'ServiceError'

  /**
   * @param {string} message
   * @param {{ status: number, cause?: unknown }} options HTTP status and cause
   */
  constructor(message, { status, cause }) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
  }
}
