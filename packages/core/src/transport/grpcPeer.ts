import { timers, unref } from '@logbridge/bridge/internal'
import type { SocketTarget } from './connect.ts'
import { type Http2Session, type PingInterval, connectHttp2 } from './http2Session.ts'

/** Minimum interval between connection attempts to an address that has not responded since the attempt before. */
const SILENT_INTERVAL_MILLIS = 500
/** Minimum interval between connection attempts to an address that has responded. */
const RESPONSIVE_INTERVAL_MILLIS = 20

/** Options of the connection to a peer. */
export interface PeerOptions {
  readonly socket: SocketTarget
  /** Time limit of one connection attempt, in milliseconds. */
  readonly connectTimeoutMillis: number
  readonly pings: PingInterval
  /** Called when the connection has ended, and when a connection attempt has failed. */
  onEnd(): void
}

/** One address of a receiver, and the connection to it. */
export class GrpcPeer {
  private readonly options: PeerOptions
  private current: Http2Session | undefined
  private connecting: Promise<Http2Session> | undefined
  /** Ends the connection attempt in progress. */
  private abort: AbortController | undefined
  /** Time of the last connection attempt on `performance.now()`. */
  private startedAt = -Infinity

  constructor(options: PeerOptions) {
    this.options = options
  }

  /** Open connection. */
  get session(): Http2Session | undefined {
    return this.current?.isOpen ? this.current : undefined
  }

  /** @returns true when the last connection attempt began longer ago than that, and none is in progress */
  isDue(intervalMillis: number): boolean {
    return this.connecting === undefined && performance.now() >= this.startedAt + intervalMillis
  }

  /**
   * Connects, unless a connection is open or being made. Waits for the minimum interval between two attempts.
   * @throws Error of the connection, or of `close`
   */
  connect(): Promise<Http2Session> {
    if (this.session !== undefined) return Promise.resolve(this.session)
    this.connecting ??= this.open().finally(() => {
      this.connecting = undefined
    })
    return this.connecting
  }

  /** Ends the connection attempt in progress, which keeps the process alive. */
  abandon(): void {
    this.abort?.abort(new Error('connection attempt ended'))
  }

  /** Closes the connection after its requests. */
  close(): void {
    this.abandon()
    this.current?.drain()
  }

  private async open(): Promise<Http2Session> {
    const { socket, connectTimeoutMillis, pings, onEnd } = this.options
    const abort = new AbortController()
    this.abort = abort
    await this.pause(abort.signal)
    this.startedAt = performance.now()
    const timer = unref(
      timers.setTimeout(() => abort.abort(new Error('no connection in time')), connectTimeoutMillis),
    )
    try {
      this.current = await connectHttp2(socket, abort.signal, pings, onEnd)
      return this.current
    } catch (error) {
      onEnd()
      throw abort.signal.aborted ? abort.signal.reason : error
    } finally {
      timers.clearTimeout(timer)
      this.abort = undefined
    }
  }

  private async pause(signal: AbortSignal): Promise<void> {
    const hasResponded = this.current !== undefined && this.current.lastResponseAt > this.startedAt
    const interval = hasResponded ? RESPONSIVE_INTERVAL_MILLIS : SILENT_INTERVAL_MILLIS
    const millis = this.startedAt + interval - performance.now()
    if (millis <= 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = unref(timers.setTimeout(resolve, millis))
    signal.addEventListener('abort', () => resolve())
    await promise
    timers.clearTimeout(timer)
    signal.throwIfAborted()
  }
}
