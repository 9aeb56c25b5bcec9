import type { ClientHttp2Session } from 'node:http2'
import type { ConnectionOptions } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { causeOf, openSocket, openStream, startHttp2 } from '../connect.ts'
import { cancelStream, exchangeMessages, requestHeaders } from '../grpcCall.ts'
import { type EndedCall, grpcOutcome } from '../grpcOutcome.ts'
import { GZIP_OVER_BYTES } from '../transport.ts'
import { untilSent } from './exchange.ts'
import type { ExitTarget, SendOnce } from './types.ts'

/** Creates a sender for OTLP over gRPC: unary calls on one connection of `node:http2`. */
export function createGrpcSend(target: ExitTarget): SendOnce {
  const { address, tls, url, compression, timeoutMillis } = target
  const hostname = 'host' in address ? address.host : 'localhost'
  let connection: Promise<ClientHttp2Session> | undefined

  async function connect(attempt: AbortSignal): Promise<ClientHttp2Session> {
    const options = tls as ConnectionOptions | undefined
    const socket = await openSocket({ ...target, hostname, tls: options, isUnref: false }, attempt)
    const session = startHttp2(socket, tls !== undefined)
    const reconnect = (): void => void (connection = undefined)
    return session.on('error', reconnect).on('close', reconnect).on('goaway', reconnect)
  }

  return async (request, attempt) => {
    const isCompressed = compression === 'gzip' && request.length > GZIP_OVER_BYTES
    const message = isCompressed ? gzipSync(request) : request
    const call = {
      ...target,
      authority: new URL(url).host,
      isSecure: tls !== undefined,
      message,
      isCompressed,
    }
    try {
      connection ??= connect(attempt)
      const stream = openStream(await connection, requestHeaders(call, timeoutMillis))
      const result = await exchangeMessages(stream, call, attempt)
      if (result.kind === 'aborted') return grpcOutcome(LATE, String)
      const outcome = grpcOutcome(result, String)
      if (outcome.kind === 'delivered') await untilSent(stream, attempt)
      else cancelStream(stream)
      return outcome
    } catch (error) {
      connection = undefined
      const lost: EndedCall = { kind: 'lost', code: 'UNAVAILABLE', cause: causeOf(error) }
      return grpcOutcome(attempt.aborted ? LATE : lost, String)
    }
  }
}

const LATE: EndedCall = { kind: 'lost', code: 'DEADLINE_EXCEEDED', cause: 'no response in time' }
