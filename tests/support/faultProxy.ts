import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What goes wrong with what passes from now on, on open connections and on new ones. */
export interface Fault {
  /** Milliseconds by which everything is late, in both directions. */
  readonly latencyMillis?: number
  /** Bytes a second that a connection carries in each direction. */
  readonly bytesPerSecond?: number
  /** Swallows all bytes and closes nothing. A connection that has lost bytes stays silent for ever. */
  readonly swallow?: boolean
  /** Resets connections as soon as they have carried so many bytes of requests (or answers) under this fault. */
  readonly cut?: {
    readonly of: 'request' | 'answer'
    readonly afterBytes: number
    /** So many connections. Default 1. */
    readonly times?: number
  }
}

/**
 * A TCP proxy that makes trouble, between us and a receiver. (toxiproxy needs a server of its own that npm does not have,
 * toxy is abandoned, node-tcp-proxy only forwards, mockttp and chaos-proxy know HTTP/1 only.)
 */
export interface FaultProxy {
  readonly host: string
  readonly port: number
  /** `http://host:port` */
  readonly url: string
  /** Set it to change it; `{}` heals. */
  fault: Fault
  /** Connections accepted so far. */
  readonly accepted: number
  /** Connections that are open now. */
  readonly open: number
  /** Connections that `fault.cut` has reset so far. */
  readonly cuts: number
  /** New connections go to another receiver. */
  forwardTo(url: string): void
  /** Resets (RST) every open connection. */
  reset(): void
  /** Every open connection is silent for ever, as behind a firewall that has forgotten it; new ones work. */
  halfOpen(): void
  /** Resets every open connection and refuses new ones, until `listen`. */
  refuse(): Promise<void>
  /** Takes connections again, on the same port. */
  listen(): Promise<void>
  close(): Promise<void>
}

interface Link {
  readonly ends: readonly [Socket, Socket]
  silent: boolean
  /** The fault under which bytes have been counted, and how many each way. */
  fault: Fault
  carried: { request: number; answer: number }
}

/** @param target the receiver, like `http://127.0.0.1:4317` */
export async function startFaultProxy(
  target: string,
  { host = '127.0.0.1', port = 0 }: { host?: string; port?: number } = {},
): Promise<FaultProxy> {
  const links = new Set<Link>()
  let to = new URL(target)
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
      host: to.hostname,
      port: Number(to.port),
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
      // What an end suffers, the other suffers too, unless the link is silent.
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
        // What is only late does not keep the next from setting out; otherwise a sender feels it when a line is full.
        if (latencyMillis === 0) await passing
      }
      await passing
      if (!link.silent) to.end()
    } catch {
      // The other end has been told by its error handler.
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
    if (fault.swallow) link.silent = true
    if (link.silent || to.destroyed) return
    const room = roomUnderCut(link, way)
    // Also when it is cut behind it: a reset throws away what has not left.
    await new Promise((resolve) => to.write(chunk.subarray(0, room), resolve))
    link.carried[way] += chunk.length
    if (room > chunk.length) return
    cuts += 1
    cutsUnderFault += 1
    cut(link)
  }

  /** Bytes that may still pass before this link is cut. */
  function roomUnderCut(link: Link, way: 'request' | 'answer'): number {
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
      to = new URL(url)
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
