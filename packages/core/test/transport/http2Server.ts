import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Http2Server {
  readonly url: string
  readonly sessions: http2.ServerHttp2Session[]
}

/** Starts a server of bare HTTP/2 on a free port, and closes the server after the test. */
export async function startHttp2Server(
  onStream: (stream: http2.ServerHttp2Stream, session: http2.ServerHttp2Session) => void,
): Promise<Http2Server> {
  const sessions: http2.ServerHttp2Session[] = []
  const server = http2.createServer().listen(0, '127.0.0.1')
  server.on('session', (session) => sessions.push(session.on('error', () => {})))
  server.on('stream', (stream) =>
    onStream(
      stream.on('error', () => {}),
      stream.session as http2.ServerHttp2Session,
    ),
  )
  await once(server, 'listening')
  onTestFinished(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sessions }
}

/** Accepts a request. */
export function accept(stream: http2.ServerHttp2Stream): void {
  stream.resume().on('end', () => {
    stream.respond({ 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.alloc(5))
  })
}
