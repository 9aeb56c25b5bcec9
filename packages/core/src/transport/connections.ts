/* oxlint-disable no-underscore-dangle -- a method of grpc-js is named so */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { nextTurn, timers, unref } from '@logbridge/bridge/internal'
import type { ChannelCredentials } from '@grpc/grpc-js'
import { countResource } from '../process/heldEnd.ts'

/** Least time between the beginnings of two connections to an address: without an answer in between, and with one. */
const UNHEARD_MILLIS = 500
const HEARD_MILLIS = 20

const maker = new AsyncLocalStorage<Connections>()
subscribe('net.client.socket', (made) => maker.getStore()?.add((made as { socket: Socket }).socket))

/**
 * Connections of one channel of grpc-js, which leaves three things open. A socket that is still connecting holds the process
 * until the kernel gives it up. A socket whose receiver lets TLS wait is never closed. A connection that the receiver closes
 * right after its SETTINGS is made again at once, a thousand times a second.
 */
export class Connections {
  private readonly sockets = new Set<Socket>()
  /** Requests that are under way. */
  private requests = 0
  private closed = false
  /** Ends the count of the connection that grpc-js has hold the process for its requests: one, where there are several. */
  private ended: (() => void) | undefined

  /** Runs what may connect, now or later. */
  within<T>(run: () => T): T {
    return maker.run(this, run)
  }

  /** Sends a request, which keeps the connections of a channel that is closed meanwhile. */
  async use<T>(send: () => Promise<T>): Promise<T> {
    this.requests += 1
    const deadlineEnded = countResource('Timeout')
    this.ended ??= countResource('TCPSocketWrap', () => Number(this.isConnected()))
    try {
      return await this.within(send)
    } finally {
      this.requests -= 1
      deadlineEnded()
      if (this.requests === 0) {
        this.ended()
        this.ended = undefined
      }
      if (this.closed) this.close()
    }
  }

  /** Closes all connections: those still being made at once, the others after grpc-js when no request is under way. */
  close(): void {
    this.closed = true
    if (this.requests > 0) return
    for (const socket of this.sockets) if (socket.connecting) socket.destroy()
    void this.closeLater()
  }

  /**
   * Puts time between the connections to an address.
   * @param heardAt when the receiver last said something
   * @returns the credentials themselves
   */
  pace(credentials: ChannelCredentials, heardAt: () => number): ChannelCredentials {
    const create = credentials._createSecureConnector.bind(credentials)
    credentials._createSecureConnector = (...args) => {
      const connector = create(...args)
      const ready = connector.waitForReady.bind(connector)
      let begunAt = -Infinity
      connector.waitForReady = async () => {
        const least = heardAt() < begunAt ? UNHEARD_MILLIS : HEARD_MILLIS
        const left = begunAt + least - performance.now()
        if (left > 0) await new Promise<void>((resolve) => unref(timers.setTimeout(resolve, left)))
        // Caught by grpc-js, for which a connection has failed then.
        if (this.closed && this.requests === 0) throw new Error('channel closed')
        begunAt = performance.now()
        await ready()
      }
      return connector
    }
    return credentials
  }

  private isConnected(): boolean {
    return [...this.sockets].some((socket) => !socket.connecting)
  }

  /** Takes a socket that is being made. */
  add(socket: Socket): void {
    this.sockets.add(socket.once('close', () => this.sockets.delete(socket)))
    // It has a handle by then. Whoever flushes holds the process.
    process.nextTick(() => {
      socket.unref()
      if (this.closed && this.requests === 0) socket.destroy()
    })
  }

  /** Leaves grpc-js the turns in which it says farewell to a receiver. */
  private async closeLater(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    for (const socket of this.sockets) socket.destroy()
  }
}
