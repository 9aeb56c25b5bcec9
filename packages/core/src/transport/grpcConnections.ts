import type { GrpcAddress, GrpcTarget } from '../config/grpcTarget.ts'
import type { SocketTarget } from './connect.ts'
import { raceAbort } from './deadline.ts'
import { GrpcPeer } from './grpcPeer.ts'
import { GrpcResolver } from './grpcResolver.ts'
import { createPingInterval, type Http2Session } from './http2Session.ts'

/** Minimum interval between connection attempts to an address while another address is connected. */
const SPARE_INTERVAL_MILLIS = 5000

/** Receiver, and options of its connections. */
export interface ConnectionOptions extends Omit<SocketTarget, 'address'> {
  readonly target: GrpcTarget
  /** Time limit of one connection attempt, in milliseconds. */
  readonly connectTimeoutMillis: number
}

/**
 * Connections to one receiver, one for each of its addresses. Connects when a request needs a connection, and gives the requests to
 * the open connections in turn.
 */
export class GrpcConnections {
  private readonly options: ConnectionOptions
  private readonly resolver: GrpcResolver
  private readonly pings = createPingInterval()
  private peers = new Map<string, GrpcPeer>()
  private turn = 0
  private isClosed = false

  constructor(options: ConnectionOptions) {
    this.options = options
    // A proxy resolves the names.
    this.resolver = new GrpcResolver(options.target, options.proxy === undefined)
  }

  /**
   * Returns an open connection. Waits for the first connection when none is open.
   * @throws Error of the first address when no address can be connected, of the lookup of the name, or of the abort
   */
  async pick(attempt: AbortSignal): Promise<Http2Session> {
    const open = this.next()
    if (open !== undefined) {
      this.connectSpares()
      return open
    }
    await raceAbort(attempt, this.resolve())
    try {
      return await raceAbort(attempt, Promise.any(Array.from(this.peers.values(), (peer) => peer.connect())))
    } catch (error) {
      throw error instanceof AggregateError ? error.errors[0] : error
    }
  }

  /** Replaces a connection without a response: the next request looks names up again, and connects. */
  replace(session: Http2Session): void {
    this.resolver.expire(true)
    session.drain()
  }

  /** Ends the connection attempts in progress, which keep the process alive. */
  abandon(): void {
    for (const peer of this.peers.values()) peer.abandon()
  }

  /** Closes the connections after their requests. */
  close(): void {
    this.isClosed = true
    for (const peer of this.peers.values()) peer.close()
    this.peers.clear()
  }

  private next(): Http2Session | undefined {
    const open = Array.from(this.peers.values(), ({ session }) => session).filter(
      (session) => session !== undefined,
    )
    this.turn += 1
    return open[this.turn % open.length]
  }

  /** Connects to the addresses without a connection, while the requests go to the others. */
  private connectSpares(): void {
    if (this.resolver.isExpired) void this.resolve().catch(() => {})
    for (const peer of this.peers.values()) {
      if (peer.session === undefined && peer.isDue(SPARE_INTERVAL_MILLIS)) void peer.connect().catch(() => {})
    }
  }

  private async resolve(): Promise<void> {
    const addresses = await this.resolver.resolve()
    if (this.isClosed) throw new Error('connections closed')
    const before = this.peers
    this.peers = new Map()
    for (const address of addresses) {
      const key = JSON.stringify(address)
      this.peers.set(key, before.get(key) ?? this.createPeer(address))
      before.delete(key)
    }
    for (const peer of before.values()) peer.close()
  }

  private createPeer(address: GrpcAddress): GrpcPeer {
    const { target: _, connectTimeoutMillis, ...socket } = this.options
    const onEnd = (): void => this.resolver.expire(false)
    return new GrpcPeer({ socket: { ...socket, address }, connectTimeoutMillis, pings: this.pings, onEnd })
  }
}
