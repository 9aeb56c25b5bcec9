import { once } from 'node:events'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'

/** Receiver that answers when a request begins, before its end. */
export interface EarlyReceiver {
  readonly url: string
  /** Resolves with the paused connection or stream of the next request. */
  next(): Promise<Readable & { rstCode?: number }>
  /** Number of open connections or streams. */
  readonly open: number
}

function queue<Item>(): { push(item: Item): void; next(): Promise<Item> } {
  const items: Item[] = []
  const waiting: ((item: Item) => void)[] = []
  return {
    push(item) {
      const resolve = waiting.shift()
      if (resolve) resolve(item)
      else items.push(item)
    },
    next: () =>
      new Promise((resolve) => (items.length > 0 ? resolve(items.shift()!) : waiting.push(resolve))),
  }
}

async function listen(server: net.Server | http2.Http2Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ACCEPTED = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'

export async function startEarlyHttp(answer: 'accepted' | 'too large' = 'accepted'): Promise<EarlyReceiver> {
  const words = answer === 'accepted' ? ACCEPTED : ACCEPTED.replace('200 OK', '413 Too Large')
  const requests = queue<Readable>()
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.once('data', (first) => {
      socket.pause()
      socket.unshift(first)
      socket.write(words)
      requests.push(socket)
    })
  })
  const url = await listen(server)
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url,
    next: requests.next,
    get open() {
      return sockets.size
    },
  }
}

export async function startEarlyGrpc(answer: 'accepted' | 'too large' = 'accepted'): Promise<EarlyReceiver> {
  const code = answer === 'accepted' ? 0 : 8
  const requests = queue<Readable>()
  const streams = new Set<http2.ServerHttp2Stream>()
  const server = http2.createServer({ settings: { initialWindowSize: 65_535 } })
  const sessions = new Set<http2.ServerHttp2Session>()
  server.on('session', (session) => sessions.add(session.on('error', () => {})))
  server.on('stream', (stream) => {
    streams.add(stream)
    stream.on('error', () => {}).on('close', () => streams.delete(stream))
    stream.once('data', (first: Buffer) => {
      stream.pause()
      stream.unshift(first)
      const status = { 'grpc-status': String(code), 'grpc-message': code === 0 ? '' : 'larger than max' }
      stream.respond({ 'content-type': 'application/grpc', ...status }, { endStream: true })
      requests.push(stream)
    })
  })
  const url = await listen(server)
  onTestFinished(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return {
    url,
    next: requests.next,
    get open() {
      return streams.size
    },
  }
}
