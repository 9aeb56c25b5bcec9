import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { GrpcAddress } from '../config/grpcTarget.ts'
import { createNotedSession, outliveStream } from './nativeSession.ts'
import { openTunnel, type Proxy } from './tunnel.ts'

// Imports only modules of Node.js and files that do the same, because the worker of an exit flush bundles this file.

/** Socket to open. */
export interface SocketTarget {
  readonly address: GrpcAddress
  /** Name or address that the certificate of the receiver must have. */
  readonly hostname: string
  /** `undefined` for plain text. */
  readonly tls: tls.ConnectionOptions | undefined
  /** `undefined` for a direct connection. */
  readonly proxy: Proxy | undefined
  /** True to let the process end while the connection is open or opening. */
  readonly isUnref: boolean
}

/**
 * Opens a connection to a gRPC receiver, and through the proxy if there is one.
 * @throws Error when the connection fails, or is not open before the abort
 */
export async function openSocket(target: SocketTarget, attempt: AbortSignal): Promise<Duplex> {
  const { address, hostname, proxy, isUnref } = target
  const tunnel = proxy && 'host' in address ? await openTunnel(proxy, address, attempt, isUnref) : undefined
  if (target.tls === undefined) {
    return tunnel ?? (await connected(net.connect(address), 'connect', attempt, isUnref))
  }
  const socket = tls.connect({
    ...(tunnel ? { socket: tunnel } : address),
    ...target.tls,
    // SNI allows names only, no IP addresses.
    ...(net.isIP(hostname) === 0 ? { servername: hostname } : { host: hostname }),
    ALPNProtocols: ['h2'],
  })
  return await connected(socket, 'secureConnect', attempt, isUnref)
}

async function connected<Socket extends net.Socket>(
  socket: Socket,
  event: string,
  attempt: AbortSignal,
  isUnref: boolean,
): Promise<Socket> {
  if (isUnref) socket.unref()
  // The listener stays, because `once` removes its own, and an error without a listener would end the process.
  socket.on('error', () => {})
  try {
    await once(socket, event, { signal: attempt })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Starts HTTP/2 on an open connection. */
export function startHttp2(socket: Duplex, isSecure: boolean): http2.ClientHttp2Session {
  const session = createNotedSession(() =>
    http2.connect(`${isSecure ? 'https' : 'http'}://localhost`, {
      createConnection: () => socket,
      settings: { enablePush: false },
      // Unsent requests count as memory of the session. The queue bounds them.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    }),
  )
  // The listener stays, because an error without a listener would end the process.
  return session.on('error', () => {})
}

/**
 * Opens the stream of a request.
 * @throws Error when the session has ended, in some versions of Node.js; in others the stream fails
 */
export function openStream(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
): http2.ClientHttp2Stream {
  const stream = session.request(headers, { endStream: false })
  outliveStream(session, stream)
  return stream
}

/** Describes the error of a connection. The error of a name with several addresses has no message. */
export function causeOf(error: unknown): string {
  const { message, code, name } = error as NodeJS.ErrnoException
  return message || code || name
}
