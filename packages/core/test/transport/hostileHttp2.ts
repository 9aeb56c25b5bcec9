import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { partialSuccess, retryInfo } from '@logbridge/test-support/scriptedReceiver'

// A server that answers requests with mutated frames of HTTP/2. https://www.rfc-editor.org/rfc/rfc9113#section-6

const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const SETTINGS = 4
const GOAWAY = 7
const END_STREAM = 1
const END_HEADERS = 4
const PREFACE_BYTES = 24

/** Generator of pseudorandom numbers, by mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** Returns a whole number from 0 to `below` - 1. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}

function frame(type: number, flags: number, stream: number, content: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(content.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, content])
}

/** Encodes headers by HPACK: literals without indexing and without Huffman codes. */
function headers(stream: number, fields: Readonly<Record<string, string>>, flags = 0): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1')
    const length = bytes.length < 127 ? [bytes.length] : [127, bytes.length - 127]
    return Buffer.concat([Buffer.from(length), bytes])
  }
  const block = Object.entries(fields).map(([name, value]) =>
    Buffer.concat([Buffer.from([0]), text(name), text(value)]),
  )
  return frame(HEADERS, END_HEADERS | flags, stream, Buffer.concat(block))
}

function message(content: Buffer, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = Number(isCompressed)
  prefix.writeUInt32BE(content.length, 1)
  return Buffer.concat([prefix, content])
}

function data(stream: number, content: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < content.length; at += 16_384) {
    frames.push(frame(DATA, 0, stream, content.subarray(at, at + 16_384)))
  }
  return frames
}

const HEAD = { ':status': '200', 'content-type': 'application/grpc' }

/** Answers of a receiver, as frames. */
const ANSWERS: readonly ((stream: number) => Buffer[])[] = [
  (stream) => [
    headers(stream, HEAD),
    ...data(stream, message(partialSuccess(3n, 'too old'))),
    headers(stream, { 'grpc-status': '0' }, END_STREAM),
  ],
  (stream) => [
    headers(stream, { ':status': '103' }),
    headers(stream, { ...HEAD, 'grpc-encoding': 'gzip' }),
    ...data(stream, message(gzipSync(partialSuccess(1n)), true)),
    headers(stream, { 'grpc-status': '0' }, END_STREAM),
  ],
  (stream) => {
    const details = retryInfo(0n, 1n).toString('base64')
    const status = { 'grpc-status': '8', 'grpc-message': 'b%C3%BCsy', 'grpc-status-details-bin': details }
    return [headers(stream, { ...HEAD, ...status }, END_STREAM)]
  },
  (stream) => [
    headers(stream, { ':status': '503', 'content-type': 'text/html' }),
    frame(DATA, END_STREAM, stream, Buffer.from('<html></html>')),
  ],
  (stream) => [
    headers(stream, HEAD),
    ...data(stream, message(Buffer.alloc(5_000_000))),
    headers(stream, { 'grpc-status': '0' }, END_STREAM),
  ],
  (stream) => [headers(stream, { ...HEAD, 'grpc-status': '3', 'grpc-message': 'no' }, END_STREAM)],
  (stream) => [headers(stream, HEAD), frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 7]))],
  (stream) => [
    frame(GOAWAY, 0, 0, Buffer.from([0, 0, 0, stream, 0, 0, 0, 0])),
    headers(stream, HEAD),
    headers(stream, { 'grpc-status': '14' }, END_STREAM),
  ],
]

/** Changes frames, which then may be no frames. */
const MUTATIONS: readonly ((frames: Buffer[], random: Random, stream: number) => Buffer[])[] = [
  // The answer as it is.
  (frames) => frames,
  (frames, random) => {
    const bytes = Buffer.concat(frames)
    for (let flips = 1 + random.below(4); flips > 0; flips -= 1) {
      const at = random.below(bytes.length)
      bytes[at]! ^= 1 << random.below(8)
    }
    return [bytes]
  },
  (frames, random) => {
    const bytes = Buffer.concat(frames)
    return [bytes.subarray(0, random.below(bytes.length))]
  },
  (frames, random) => {
    const bytes = Buffer.concat(frames)
    const at = random.below(bytes.length)
    return [bytes.subarray(0, at), random.bytes(1 + random.below(64)), bytes.subarray(at)]
  },
  (frames, random) => frames.toSpliced(random.below(frames.length), 1),
  (frames, random) => frames.toSpliced(random.below(frames.length), 0, random.of(frames)),
  (frames, random) => {
    const at = random.below(frames.length)
    return [...frames.slice(at), ...frames.slice(0, at)]
  },
  // Another length, type, flags, or stream.
  (frames, random) => {
    const changed = frames.map((each) => Buffer.from(each))
    const head = random.of(changed)
    const at = random.below(9)
    head[at] = random.below(at === 3 ? 12 : 256)
    return changed
  },
  // Further frames, many of the same.
  (frames, random, stream) => {
    const type = random.below(12)
    const content = random.bytes(random.of([0, 4, 5, 6, 8, random.below(40)]))
    const added = frame(type, random.below(256), random.of([0, stream, stream + 2, 2]), content)
    const many = Array.from({ length: random.of([1, 2, 50, 1500]) }, () => added)
    return frames.toSpliced(random.below(frames.length + 1), 0, ...many)
  },
  // Settings with any values.
  (frames, random) => {
    const settings = Buffer.concat(
      Array.from({ length: 1 + random.below(4) }, () =>
        Buffer.concat([Buffer.from([0, random.below(9)]), random.bytes(4)]),
      ),
    )
    return [frame(SETTINGS, 0, 0, settings), ...frames]
  },
  // Headers in several frames, and without an end.
  (_, random, stream) => [
    frame(HEADERS, 0, stream, Buffer.alloc(0)),
    ...Array.from({ length: random.of([1, 20, 2000]) }, () => frame(9, 0, stream, random.bytes(16))),
  ],
]

export interface HostileServer {
  readonly port: number
  close(): void
}

/** Starts a server whose answers come from a generator. */
export async function startHostileHttp2(random: Random): Promise<HostileServer> {
  const sockets = new Set<Socket>()

  function mutated(frames: Buffer[], stream: number): Buffer {
    let result = frames
    for (let times = random.of([1, 1, 2, 3]); times > 0 && result.length > 0; times -= 1) {
      result = random.of(MUTATIONS)(result, random, stream)
    }
    return Buffer.concat(result)
  }

  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    const settings = [frame(SETTINGS, 0, 0, Buffer.alloc(0)), frame(SETTINGS, 1, 0, Buffer.alloc(0))]
    // Mostly valid settings, because a client opens no stream without them.
    socket.write(random.below(8) === 0 ? mutated(settings, 1) : Buffer.concat(settings))
    const answersEarly = random.below(4) === 0
    let received = Buffer.alloc(0)
    let at = PREFACE_BYTES
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= at + 9) {
        const length = received.readUIntBE(at, 3)
        if (received.length < at + 9 + length) return
        const [type, flags, stream] = [received[at + 3], received[at + 4]!, received.readUInt32BE(at + 5)]
        at += 9 + length
        const isEnd = type === DATA && (flags & END_STREAM) !== 0
        if (!(answersEarly ? type === HEADERS : isEnd)) continue
        if (random.below(40) === 0) return socket.resetAndDestroy()
        socket.write(mutated(random.of(ANSWERS)(stream), stream))
        if (random.below(6) === 0) socket.end()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
