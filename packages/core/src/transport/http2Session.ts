import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Duplex } from 'node:stream'
import { nextTurn, timers, unref } from '@logbridge/bridge/internal'
import { openSocket, openStream, type SocketTarget, startHttp2 } from './connect.ts'

/** Time without a ping after which a connection in use is pinged, in milliseconds. */
const PING_INTERVAL_MILLIS = 30_000
/** Time limit for the answer to a ping, in milliseconds. */
const PING_TIMEOUT_MILLIS = 10_000
/** Time without a request after which a connection is closed, in milliseconds. The default of gRPC. */
const IDLE_TIMEOUT_MILLIS = 30 * 60 * 1000
/** Time limit for the receiver to close its side of a connection without streams, in milliseconds. */
const CLOSE_TIMEOUT_MILLIS = 10_000
/** Data of a GOAWAY that asks for fewer pings. https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md */
const TOO_MANY_PINGS = 'too_many_pings'

/** Interval of pings to a receiver, which the receiver may ask to double. */
export interface PingInterval {
  millis: number
}

export function createPingInterval(): PingInterval {
  return { millis: PING_INTERVAL_MILLIS }
}

/** One HTTP/2 connection: opens streams, pings while streams are open, and closes after GOAWAY and when it is idle. */
export class Http2Session {
  /** Time of the last response on `performance.now()`. */
  lastResponseAt: number = -Infinity
  private readonly session: ClientHttp2Session
  private readonly socket: Duplex
  private readonly pings: PingInterval
  private readonly onEnd: () => void
  private openStreams = 0
  private pingedAt = performance.now()
  private timer: NodeJS.Timeout | undefined
  private isEnded = false

  constructor(session: ClientHttp2Session, socket: Duplex, pings: PingInterval, onEnd: () => void) {
    this.session = session
    this.socket = socket
    this.pings = pings
    this.onEnd = onEnd
    session.on('goaway', (code, _, data) => {
      if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM && data?.toString() === TOO_MANY_PINGS)
        pings.millis *= 2
      // Node.js refuses further streams after a GOAWAY, and finishes the open ones.
      this.drain()
    })
    session.on('error', () => this.destroy()).on('close', () => this.destroy())
    socket.on('close', () => this.destroy())
    this.scheduleIdleEnd()
  }

  /** True while the session opens streams. */
  get isOpen(): boolean {
    return !this.isEnded && !this.session.closed && !this.session.destroyed
  }

  /** Opens the stream of one request. See `openStream`. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = openStream(this.session, headers)
    this.openStreams += 1
    if (this.openStreams === 1) this.schedulePing()
    stream.once('response', () => {
      this.lastResponseAt = performance.now()
    })
    stream.once('close', () => {
      this.openStreams -= 1
      if (this.openStreams > 0) return
      if (this.isEnded) this.scheduleDestroy()
      else this.scheduleIdleEnd()
    })
    return stream
  }

  /** Opens no further streams, and closes the connection after the open ones. */
  drain(): void {
    if (this.isEnded) return
    this.end()
    // Node.js sends GOAWAY, and reads until the receiver has closed its side: closing earlier could discard the end of a request.
    this.session.close()
    if (this.openStreams === 0) this.scheduleDestroy()
  }

  private destroy(): void {
    this.end()
    timers.clearTimeout(this.timer)
    this.session.destroy()
    void this.destroySocket()
  }

  private end(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.onEnd()
  }

  /** Destroys the socket after the turns in which Node.js writes GOAWAY, because Node.js waits without end for a peer that is gone. */
  private async destroySocket(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    this.socket.destroy()
  }

  private scheduleDestroy(): void {
    this.schedule(CLOSE_TIMEOUT_MILLIS, () => this.destroy())
  }

  private scheduleIdleEnd(): void {
    this.schedule(IDLE_TIMEOUT_MILLIS, () => this.drain())
  }

  private schedulePing(): void {
    const millis = this.pingedAt + this.pings.millis - performance.now()
    if (millis <= 0) this.ping()
    else this.schedule(millis, () => this.ping())
  }

  private ping(): void {
    this.pingedAt = performance.now()
    this.schedule(PING_TIMEOUT_MILLIS, () => this.destroy())
    const isSent =
      !this.session.destroyed &&
      this.session.ping((error) => {
        if (error) this.destroy()
        else if (this.openStreams > 0) this.schedulePing()
      })
    if (!isSent) this.destroy()
  }

  /** Replaces the timer: of a ping or its answer while streams are open, of the end otherwise. */
  private schedule(millis: number, run: () => void): void {
    timers.clearTimeout(this.timer)
    this.timer = unref(timers.setTimeout(run, millis))
  }
}

/**
 * Connects, and waits for the SETTINGS of the receiver, which a server of another protocol does not send.
 *
 * @param pings interval that all sessions of one receiver share
 * @param onEnd called once when the session opens no further streams
 * @throws Error when the connection fails, or is not open before the abort
 */
export async function connectHttp2(
  target: SocketTarget,
  attempt: AbortSignal,
  pings: PingInterval,
  onEnd: () => void,
): Promise<Http2Session> {
  const socket = await openSocket(target, attempt)
  const session = startHttp2(socket, target.tls !== undefined)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // The error of a connection may come after its close.
  const onClose = (): void => {
    void nextTurn().then(() => reject(new Error('connection closed by the receiver')))
  }
  const onAbort = (): void => reject(attempt.reason)
  session.once('remoteSettings', () => resolve())
  for (const each of [session, socket]) each.once('error', reject).once('close', onClose)
  attempt.addEventListener('abort', onAbort)
  try {
    await promise
    return new Http2Session(session, socket, pings, onEnd)
  } catch (error) {
    session.destroy()
    socket.destroy()
    throw error
  } finally {
    attempt.removeEventListener('abort', onAbort)
    for (const each of [session, socket]) each.off('error', reject).off('close', onClose)
  }
}
