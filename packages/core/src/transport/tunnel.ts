import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'

// Imports only modules of Node.js, because the worker of an exit flush bundles this file.

/** HTTP proxy, as plain data that a worker thread can receive. */
export interface Proxy {
  /** True for a connection to the proxy over TLS. */
  readonly isSecure: boolean
  readonly host: string
  readonly port: number
  /** The value of `Proxy-Authorization`. */
  readonly authorization?: string
}

/** Host and port of a receiver. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Error of a proxy. Its message names the proxy and contains no secret. */
export class ProxyError extends Error {
  override readonly name: string = 'ProxyError'
}

/** Formats the authority of a URL. */
export function hostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** Returns host and port of an `http:` or `https:` URL. */
export function hostPortOf({ hostname, port, protocol }: URL): HostPort {
  return { host: withoutBrackets(hostname), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

/** Formats a proxy for diagnostics, without credentials. */
export function shownProxy(proxy: Proxy): string {
  return `proxy ${proxy.isSecure ? 'https' : 'http'}://${hostPort(proxy)}`
}

/** Returns the words for a proxy that answers 407, without or with credentials. */
export function refusedCredentials(proxy: Proxy): string {
  const cause = proxy.authorization
    ? 'refuses the user name and the password in its URL'
    : 'needs a user name and a password (write them into its URL)'
  return `${shownProxy(proxy)} ${cause}`
}

/**
 * Opens a tunnel by CONNECT. https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
 * @param isUnref lets the process end before the tunnel is open
 * @throws ProxyError when the proxy is unreachable or refuses, or when the signal aborts first
 */
export async function openTunnel(
  proxy: Proxy,
  to: HostPort,
  attempt: AbortSignal,
  isUnref = false,
): Promise<Duplex> {
  const path = hostPort(to)
  const { host, port, authorization } = proxy
  const request = (proxy.isSecure ? https : http).request({
    method: 'CONNECT',
    host,
    port,
    path,
    headers: { host: path, ...(authorization && { 'proxy-authorization': authorization }) },
    // A pool would keep the connection for other requests.
    agent: false,
    signal: attempt,
  })
  if (isUnref) request.on('socket', (socket) => socket.unref())
  request.on('response', (response) => response.destroy(new ProxyError(refusal(proxy, response.statusCode))))
  // The listener stays, because `once` removes its own.
  request.on('error', () => {})
  request.end()
  try {
    const [response, socket, head] = (await once(request, 'connect')) as [
      http.IncomingMessage,
      Duplex,
      Buffer,
    ]
    socket.on('error', () => {})
    if (response.statusCode === 200) {
      if (head.length > 0) socket.unshift(head)
      return socket
    }
    socket.destroy()
    throw new ProxyError(refusal(proxy, response.statusCode))
  } catch (error) {
    if (error instanceof ProxyError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new ProxyError(`${shownProxy(proxy)}: ${attempt.aborted ? 'no answer in time' : (code ?? message)}`)
  }
}

function refusal(proxy: Proxy, status: number | undefined): string {
  return status === 407 ? `407: ${refusedCredentials(proxy)}` : `${shownProxy(proxy)} answered ${status}`
}
