/* oxlint-disable no-underscore-dangle -- a method of grpc-js is named so */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { nextTurn, timers, unref } from '@logbridge/bridge/internal'
import type { ChannelCredentials } from '@grpc/grpc-js'
import { countResource } from '../process/heldEnd.ts'

/** Minimum interval between connection attempts to an address that has not responded since the attempt before. */
const SILENT_INTERVAL_MILLIS = 500
/** Minimum interval between connection attempts to an address that has responded. */
const RESPONSIVE_INTERVAL_MILLIS = 20

const owner = new AsyncLocalStorage<Connections>()
subscribe('net.client.socket', (message) => owner.getStore()?.add((message as { socket: Socket }).socket))

/**
 * Connections of one channel of grpc-js. Closes what grpc-js leaves open, and paces its connection attempts:
 * - A socket that is still connecting keeps the process alive until the kernel times out.
 * - A socket whose TLS handshake stalls is never closed.
 * - A connection that the receiver closes right after its SETTINGS is opened again at once, a thousand times a second.
 */
export class Connections {
  private readonly sockets = new Set<Socket>()
  /** Number of requests in progress. */
  private requests = 0
  private closed = false
  /** Ends the count of the connection with which grpc-js keeps the process alive during requests. */
  private endCount: (() => void) | undefined

  /** Runs a function, and tracks the sockets that it opens, now or later. */
  within<T>(run: () => T): T {
    return owner.run(this, run)
  }

  /** Runs a request. `close` keeps the connections open until the request has ended. */
  async use<T>(send: () => Promise<T>): Promise<T> {
    this.requests += 1
    const endTimerCount = countResource('Timeout')
    this.endCount ??= countResource('TCPSocketWrap', () => Number(this.isConnected()))
    try {
      return await this.within(send)
    } finally {
      this.requests -= 1
      endTimerCount()
      if (this.requests === 0) {
        this.endCount()
        this.endCount = undefined
      }
      if (this.closed) this.close()
    }
  }

  /** Closes all connections when no request is in progress: connecting sockets at once, connected sockets after grpc-js. */
  close(): void {
    this.closed = true
    if (this.requests > 0) return
    for (const socket of this.sockets) if (socket.connecting) socket.destroy()
    void this.closeLater()
  }

  /**
   * Paces the connection attempts of a channel.
   * @param lastResponseAt returns the time of the last response of the receiver
   * @returns the credentials, changed in place
   */
  pace(credentials: ChannelCredentials, lastResponseAt: () => number): ChannelCredentials {
    const create = credentials._createSecureConnector.bind(credentials)
    credentials._createSecureConnector = (...args) => {
      const connector = create(...args)
      const ready = connector.waitForReady.bind(connector)
      let startedAt = -Infinity
      connector.waitForReady = async () => {
        const interval = lastResponseAt() < startedAt ? SILENT_INTERVAL_MILLIS : RESPONSIVE_INTERVAL_MILLIS
        const millisLeft = startedAt + interval - performance.now()
        if (millisLeft > 0)
          await new Promise<void>((resolve) => unref(timers.setTimeout(resolve, millisLeft)))
        // grpc-js catches the error as a failed connection.
        if (this.closed && this.requests === 0) throw new Error('channel closed')
        startedAt = performance.now()
        await ready()
      }
      return connector
    }
    return credentials
  }

  private isConnected(): boolean {
    return [...this.sockets].some((socket) => !socket.connecting)
  }

  /** Tracks a socket that is connecting. */
  add(socket: Socket): void {
    this.sockets.add(socket.once('close', () => this.sockets.delete(socket)))
    // Unref after the socket has its handle: flushes keep the process alive, connections do not.
    process.nextTick(() => {
      socket.unref()
      if (this.closed && this.requests === 0) socket.destroy()
    })
  }

  /** Closes the sockets after the turns of the event loop in which grpc-js sends GOAWAY to the receiver. */
  private async closeLater(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await nextTurn()
    for (const socket of this.sockets) socket.destroy()
  }
}
