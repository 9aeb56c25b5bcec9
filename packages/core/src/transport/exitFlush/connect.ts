import { once } from 'node:events'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { openTunnel } from '../tunnel.ts'
import type { ExitTarget } from './types.ts'

/**
 * Opens a connection to a gRPC receiver, through the proxy and with the TLS material of the target.
 * @throws Error when the connection fails, or is not open before the abort
 */
export async function openSocket(
  { address, proxy, tls: material }: ExitTarget,
  attempt: AbortSignal,
): Promise<Duplex> {
  const host = 'host' in address ? address.host : ''
  const tunnel = proxy && 'host' in address ? await openTunnel(proxy, address, attempt) : undefined
  if (material === undefined) {
    return tunnel ?? (await connected(net.connect(address), 'connect', attempt))
  }
  const options: tls.ConnectionOptions = {
    ...(tunnel ? { socket: tunnel, host } : address),
    ...(material as tls.SecureContextOptions),
    // SNI allows names only, no IP addresses.
    ...(net.isIP(host) === 0 && { servername: host }),
    ALPNProtocols: ['h2'],
  }
  return await connected(tls.connect(options), 'secureConnect', attempt)
}

async function connected<Socket extends net.Socket>(
  socket: Socket,
  event: string,
  attempt: AbortSignal,
): Promise<Socket> {
  // The listener stays, because `once` removes its own, and an error without a listener would end the worker.
  socket.on('error', () => {})
  try {
    await once(socket, event, { signal: attempt })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}
