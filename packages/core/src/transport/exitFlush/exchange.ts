import type { EventEmitter } from 'node:events'

/**
 * Waits for the head of the response to an HTTP/1 request or on an HTTP/2 stream.
 * @throws Error when the request is closed without a response, because a stream that is canceled is closed without an error
 */
export async function responseTo<Head>(request: EventEmitter): Promise<Head> {
  const { promise, resolve, reject } = Promise.withResolvers<Head>()
  // The listener stays, because an error after the response would end the worker.
  request.on('response', resolve).on('upgrade', resolve).on('error', reject)
  request.on('close', () => reject(new Error('closed without a response')))
  return await promise
}

/** Outgoing HTTP/1 request or HTTP/2 stream. */
interface Outgoing extends EventEmitter {
  readonly writableFinished: boolean
  readonly closed: boolean
}

/** Waits until a request is sent, because a receiver may answer earlier, and the end of the process would truncate the request. */
export async function untilSent(request: Outgoing, attempt: AbortSignal): Promise<void> {
  if (request.writableFinished || request.closed) return
  const { promise, resolve } = Promise.withResolvers<unknown>()
  // A stream that was answered before its end may close without `finish`.
  request.once('finish', resolve).once('close', resolve)
  attempt.addEventListener('abort', resolve)
  await promise
}
