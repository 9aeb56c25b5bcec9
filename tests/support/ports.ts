import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Finds a free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

/** Returns the URL of a port without a listener. */
export async function unreachableUrl(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`
}
