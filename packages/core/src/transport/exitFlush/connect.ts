import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { ExitProxy, ExitTarget } from './types.ts'

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

/** Formats the authority of a URL. */
export function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Opens a tunnel by CONNECT. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6 */
async function openTunnel(
  { host, port, authorization }: ExitProxy,
  to: { readonly host: string; readonly port: number },
  attempt: AbortSignal,
): Promise<Duplex> {
  const path = hostPort(to)
  const request = http.request({
    method: 'CONNECT',
    host,
    port,
    path,
    headers: { host: path, ...(authorization && { 'proxy-authorization': authorization }) },
    signal: attempt,
  })
  request.end()
  const [response, socket, head] = (await once(request, 'connect')) as [http.IncomingMessage, Duplex, Buffer]
  socket.on('error', () => {})
  if (response.statusCode !== 200) {
    socket.destroy()
    throw new Error(`proxy answered ${response.statusCode}`)
  }
  if (head.length > 0) socket.unshift(head)
  return socket
}
