import { once } from 'node:events'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createTransport } from '../src/delivery/create.ts'
import { FRAME_BYTES, frame } from '../src/delivery/frame.ts'
import type { Transport } from '../src/delivery/transport.ts'
import { complaints } from './complaints.ts'
import { exporterConfig, never } from './exporterConfig.ts'

// Receivers may answer before they have read a request. https://www.rfc-editor.org/rfc/rfc9110#section-7.5

const warnings = complaints()
/** More than the kernel's buffers hold. */
const REQUEST_BYTES = 24 * 1024 * 1024

/** A receiver that answers as soon as a request begins. */
interface EarlyReceiver {
  readonly url: string
  /** One for each request: its connection or stream, which is paused. */
  next(): Promise<Readable & { rstCode?: number }>
  /** How many connections or streams are open. */
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

async function startHttp(answer: 'accepted' | 'too large' = 'accepted'): Promise<EarlyReceiver> {
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

async function startGrpc(answer: 'accepted' | 'too large' = 'accepted'): Promise<EarlyReceiver> {
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

const protocols = [
  ['grpc', startGrpc, 5],
  ['http/protobuf', startHttp, 0],
] as const

function connect(protocol: 'grpc' | 'http/protobuf', url: string, timeoutMillis: number): Transport {
  const exporter = exporterConfig(url, { protocol, timeoutMillis })
  const transport = createTransport({ exporter, exportTimeoutMillis: timeoutMillis })
  onTestFinished(() => transport.close())
  return transport
}

/** Reads the body of a request, some of it in each turn of the event loop. */
async function readSlowly(request: Readable, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let size = 0; size < bytes;) {
    const chunk = request.read() as Buffer | null
    if (chunk) {
      chunks.push(chunk)
      if (size === 0) size -= Math.max(0, chunk.indexOf('\r\n\r\n') + 4 * Number(chunk.includes('\r\n\r\n')))
      size += chunk.length
    } else await once(request, 'readable')
    await new Promise(setImmediate)
  }
  return Buffer.concat(chunks).subarray(-bytes)
}

test.for(protocols)(
  'a request over %s is sent to its end, and its memory is not used again before, when it is answered first',
  async ([protocol, start, frameBytes]) => {
    const receiver = await start()
    // As batches are, so that grpc-js sends it from where it lies.
    const request = frame(Buffer.alloc(FRAME_BYTES + REQUEST_BYTES).subarray(FRAME_BYTES))
    request.fill('record ')
    const sent = connect(protocol, receiver.url, 60_000).send(request, never)
    const reading = receiver.next().then((body) => readSlowly(body, REQUEST_BYTES + frameBytes))
    const outcome = await sent
    if (!('stillRead' in outcome)) request.fill('other ')
    expect(outcome).toMatchObject({ kind: 'delivered', rejected: 0 })
    const body = (await reading).subarray(frameBytes)
    expect(body.equals(Buffer.alloc(REQUEST_BYTES, 'record '))).toBe(true)
    expect(warnings).toEqual([])
  },
)

test.for(protocols)(
  'requests over %s that are answered and never read are given up at the deadline, one after another',
  async ([protocol, start]) => {
    const receiver = await start()
    const transport = connect(protocol, receiver.url, 200)
    for (let n = 1; n <= 3; n += 1) {
      const sent = transport.send(Buffer.alloc(REQUEST_BYTES), never)
      const request = await receiver.next()
      expect(receiver.open).toBe(1)
      const closed = new Promise((resolve) => request.once('close', resolve))
      expect(await sent).toMatchObject({ kind: 'delivered', stillRead: true })
      request.on('error', () => {}).resume()
      await closed
    }
    expect(warnings).toEqual([expect.stringContaining('did not read to its end in time')])
  },
)

test.for(protocols)(
  'the rest of a request over %s is not sent when it is refused first',
  async ([protocol, start]) => {
    const receiver = await start('too large')
    const sent = connect(protocol, receiver.url, 60_000).send(Buffer.alloc(REQUEST_BYTES), never)
    const request = await receiver.next()
    const closed = new Promise((resolve) => request.once('close', resolve))
    expect(await sent).toMatchObject({ kind: 'too-large' })
    let read = 0
    request
      .on('error', () => {})
      .on('data', (chunk: Buffer) => (read += chunk.length))
      .resume()
    await closed
    expect(read).toBeLessThan(REQUEST_BYTES)
  },
)
