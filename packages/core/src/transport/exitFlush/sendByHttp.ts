import type { IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createHttpClient } from '../httpClient.ts'
import { httpFailure, httpOutcome, readBody } from '../httpOutcome.ts'
import { GZIP_OVER_BYTES } from '../transport.ts'
import { responseTo, untilSent } from './exchange.ts'
import type { ExitTarget, SendOnce } from './types.ts'

/** Creates a sender for OTLP over HTTP with protobuf bodies. */
export function createHttpSend({ url, headers, tls, compression, proxy }: ExitTarget): SendOnce {
  const client = createHttpClient(new URL(url), tls, { proxy })

  return async (request, attempt) => {
    const gzipped = compression === 'gzip' && request.length > GZIP_OVER_BYTES
    const body = gzipped ? gzipSync(request) : request
    try {
      const call = client.open(
        {
          ...headers,
          'content-type': 'application/x-protobuf',
          'content-length': String(body.length),
          ...(gzipped && { 'content-encoding': 'gzip' }),
        },
        attempt,
      )
      attempt.addEventListener('abort', () => call.destroy())
      call.end(body)
      const response = await responseTo<IncomingMessage>(call)
      const outcome = httpOutcome(response, await readBody(response), String, proxy)
      if (outcome.kind === 'delivered') await untilSent(call, attempt)
      return outcome
    } catch (error) {
      return httpFailure(error as NodeJS.ErrnoException, attempt.aborted, proxy, tls !== undefined)
    }
  }
}
