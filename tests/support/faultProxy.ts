import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Network fault of all bytes that pass from now on, on open and on new connections. */
export interface Fault {
  /** Milliseconds of latency in each direction. */
  readonly latencyMillis?: number
  /** Bytes per second of a connection in each direction. */
  readonly bytesPerSecond?: number
  /** Discards all bytes and keeps connections open (black hole). A connection that has lost bytes stays silent. */
  readonly blackHole?: boolean
  /** Resets connections after a number of bytes of a request or an answer. */
  readonly cut?: {
    readonly of: 'request' | 'answer'
    readonly afterBytes: number
    /**
     * Number of connections to reset.
     *
     * @default 1
     */
    readonly times?: number
  }
}

/**
 * TCP proxy in front of a receiver that simulates network faults: latency, throttling, RST, half-open, black hole, refused, cut
 * mid-message. (toxiproxy needs a server that npm does not have, toxy is abandoned, node-tcp-proxy only forwards, mockttp and
 * chaos-proxy support HTTP/1 alone.)
 */
export interface FaultProxy {
  readonly host: string
  readonly port: number
  /** `http://host:port` */
  readonly url: string
  /** Current fault. Assign `{}` to end it. */
  fault: Fault
  /** Number of accepted connections. */
  readonly accepted: number
  /** Number of open connections. */
  readonly open: number
  /** Number of connections that `fault.cut` reset. */
  readonly cuts: number
  /** Forwards new connections to another receiver. */
  forwardTo(url: string): void
  /** Resets (RST) every open connection. */
  reset(): void
  /** Makes every open connection silent, like a firewall that lost its state. New connections work. */
  halfOpen(): void
  /** Resets every open connection and refuses new connections until `listen`. */
  refuse(): Promise<void>
  /** Accepts connections again on the same port. */
  listen(): Promise<void>
  close(): Promise<void>
}

interface Link {
  readonly ends: readonly [Socket, Socket]
  silent: boolean
  /** Fault since which `carried` counts. */
  fault: Fault
  /** Bytes in each direction. */
  carried: { request: number; answer: number }
}

/** @param target URL of the receiver, such as `http://127.0.0.1:4317` */
export async function startFaultProxy(
  target: string,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<FaultProxy> {
  const links = new Set<Link>()
  let receiverUrl = new URL(target)
  let server = await listening(port)
  const bound = (server.address() as AddressInfo).port
  let accepted = 0
  let cuts = 0
  let cutsUnderFault = 0
  let fault: Fault = {}

  async function listening(port: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, accept)
    server.listen(port, host)
    await once(server, 'listening')
    return server
  }

  function accept(client: Socket): void {
    accepted += 1
    const receiver = connect({
      host: receiverUrl.hostname,
      port: Number(receiverUrl.port),
      allowHalfOpen: true,
      noDelay: true,
    })
    const link: Link = {
      ends: [client, receiver],
      silent: false,
      fault: {},
      carried: { request: 0, answer: 0 },
    }
    links.add(link)
    for (const end of link.ends) {
      // A failure of one socket resets both, unless the link is silent.
      end.on('error', () => link.silent || cut(link))
      end.on('close', () => link.ends.every(({ destroyed }) => destroyed) && links.delete(link))
    }
    void carry(link, 'request', client, receiver)
    void carry(link, 'answer', receiver, client)
  }

  async function carry(link: Link, way: 'request' | 'answer', from: Socket, to: Socket): Promise<void> {
    let passing = Promise.resolve()
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const { latencyMillis = 0 } = fault
        const due = performance.now() + latencyMillis
        passing = passing.then(() => pass(link, way, chunk, to, due))
        // Without latency the sender feels backpressure. With latency, the next bytes start before the earlier ones arrive.
        if (latencyMillis === 0) await passing
      }
      await passing
      if (!link.silent) to.end()
    } catch {
      // The error handler has reset the other socket.
    }
  }

  async function pass(
    link: Link,
    way: 'request' | 'answer',
    chunk: Buffer,
    to: Socket,
    due: number,
  ): Promise<void> {
    const wait = due - performance.now() + (1000 * chunk.length) / (fault.bytesPerSecond ?? Infinity)
    if (wait > 0) await delay(wait)
    if (fault.blackHole) link.silent = true
    if (link.silent || to.destroyed) return
    const bytesBeforeCut = remainingBeforeCut(link, way)
    // The write completes before a cut, because a reset discards bytes that have not left.
    await new Promise((resolve) => to.write(chunk.subarray(0, bytesBeforeCut), resolve))
    link.carried[way] += chunk.length
    if (bytesBeforeCut > chunk.length) return
    cuts += 1
    cutsUnderFault += 1
    cut(link)
  }

  /** Returns the number of bytes that pass before the link is cut. */
  function remainingBeforeCut(link: Link, way: 'request' | 'answer'): number {
    if (link.fault !== fault) {
      link.fault = fault
      link.carried = { request: 0, answer: 0 }
    }
    if (fault.cut?.of !== way || cutsUnderFault >= (fault.cut.times ?? 1)) return Infinity
    return Math.max(0, fault.cut.afterBytes - link.carried[way])
  }

  function cut(link: Link): void {
    for (const end of link.ends) end.resetAndDestroy()
  }

  function reset(): void {
    for (const link of links) cut(link)
  }

  async function refuse(): Promise<void> {
    const closed = once(server, 'close')
    server.close()
    reset()
    await closed
  }

  return {
    host,
    port: bound,
    url: `http://${host}:${bound}`,
    get fault() {
      return fault
    },
    set fault(next) {
      fault = next
      cutsUnderFault = 0
    },
    get accepted() {
      return accepted
    },
    get open() {
      return links.size
    },
    get cuts() {
      return cuts
    },
    forwardTo(url) {
      receiverUrl = new URL(url)
    },
    reset,
    halfOpen() {
      for (const link of links) link.silent = true
    },
    refuse,
    async listen() {
      server = await listening(bound)
    },
    async close() {
      if (server.listening) await refuse()
    },
  }
}
