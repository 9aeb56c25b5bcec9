import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ServerTls } from './scriptedReceiver.ts'

/** Proxy on a free port of 127.0.0.1 that forwards absolute URLs and opens tunnels. */
export interface HttpProxy {
  /** `http://127.0.0.1:port`, or `https://localhost:port` with TLS. */
  readonly url: string
  readonly port: number
  /** `POST http://…` or `CONNECT host:port` of each request. */
  readonly seen: string[]
  close(): void
}

/**
 * @param options.credentials `user:password` that each request needs
 * @param options.tls certificate of the proxy
 * @param options.status answers each tunnel with this status instead of opening it
 */
export async function startHttpProxy(
  options: { credentials?: string; tls?: ServerTls; status?: number } = {},
): Promise<HttpProxy> {
  const { credentials, tls, status } = options
  const seen: string[] = []
  const sockets = new Set<Duplex>()
  const server = tls ? https.createServer(tls) : http.createServer()

  function isAllowed({ headers }: http.IncomingMessage): boolean {
    const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
    return expected === undefined || headers['proxy-authorization'] === expected
  }

  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('request', (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    if (!isAllowed(request)) return response.writeHead(407).end()
    const { 'proxy-authorization': _, ...headers } = request.headers
    const onward = http.request(request.url!, { method: request.method!, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    return request.pipe(onward)
  })
  server.on('connect', (request: http.IncomingMessage, client: Duplex) => {
    seen.push(`CONNECT ${request.url}`)
    client.on('error', () => {})
    const refusal = isAllowed(request) ? status : 407
    if (refusal !== undefined) return client.end(`HTTP/1.1 ${refusal} No\r\ncontent-length: 0\r\n\r\n`)
    const { hostname, port } = new URL(`tcp://${request.url}`)
    const onward = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      onward.pipe(client).pipe(onward)
    })
    sockets.add(onward)
    return onward.on('error', () => client.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    seen,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
