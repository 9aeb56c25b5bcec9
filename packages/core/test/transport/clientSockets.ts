import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** Returns the open ones of the client sockets that are made from now on, until the end of the test. */
export function clientSockets(): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  const add = (made: unknown): void => {
    const { socket } = made as { socket: Socket }
    open.add(socket.once('close', () => open.delete(socket)))
  }
  subscribe('net.client.socket', add)
  onTestFinished(() => void unsubscribe('net.client.socket', add))
  return open
}
