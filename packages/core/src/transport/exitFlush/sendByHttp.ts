import http from 'node:http'
import https from 'node:https'
import { gzipSync } from 'node:zlib'
import { httpFailure, httpOutcome, readBody } from '../httpOutcome.ts'
import { GZIP_OVER_BYTES } from '../transport.ts'
import { responseTo, untilSent } from './exchange.ts'
import type { ExitTarget, SendOnce } from './types.ts'

/** Creates a sender for OTLP over HTTP with protobuf bodies. */
export function createHttpSend({ url, headers, tls, compression }: ExitTarget): SendOnce {
  const { request: open, Agent } = url.startsWith('https:') ? https : http
  const agent = new Agent({ keepAlive: true, ...(tls as https.AgentOptions) })

  return async (request, attempt) => {
    const gzipped = compression === 'gzip' && request.length > GZIP_OVER_BYTES
    const body = gzipped ? gzipSync(request) : request
    try {
      const call = open(url, {
        method: 'POST',
        agent,
        signal: attempt,
        headers: {
          ...headers,
          'content-type': 'application/x-protobuf',
          'content-length': body.length,
          ...(gzipped && { 'content-encoding': 'gzip' }),
        },
      })
      call.on('upgrade', (_, socket) => socket.on('error', () => {}))
      call.end(body)
      const response = await responseTo<http.IncomingMessage>(call)
      const outcome = httpOutcome(response, await readBody(response), String)
      if (outcome.kind === 'delivered') await untilSent(call, attempt)
      return outcome
    } catch (error) {
      return httpFailure(error as NodeJS.ErrnoException, attempt.aborted)
    }
  }
}
