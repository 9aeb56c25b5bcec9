import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ViewerError } from '../../src/errors.ts'
import { startPageViewer, type PageViewer } from '../../src/pageViewer.ts'
import { QueryError } from '../../src/query/query.ts'
import type { QueryName } from '../../src/store/store.ts'

// `pnpm test:fuzz` sends 100,000 requests and 10,000 queries. FUZZ_SEED selects others.

const COUNT = Number(process.env['FUZZ_COUNT'] ?? 5000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 18)
const CONCURRENCY = 20
const HANG_MILLIS = 10_000

/** Creates a generator of numbers below a bound: mulberry32. */
function createRandom(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state + 0x6d_2b_79_f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound
  }
}

type Random = ReturnType<typeof createRandom>

/** Changes up to five places of bytes: flips, removes, doubles, inserts. */
function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = Buffer.from(bytes)
  for (let changes = 1 + random(5); changes > 0; changes -= 1) {
    const at = random(mutated.length + 1)
    const length = random(8)
    switch (random(4)) {
      case 0:
        if (at < mutated.length) mutated[at] = random(256)
        break
      case 1:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)])
        break
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(Math.max(0, at - length))])
        break
      default:
        mutated = Buffer.concat([
          mutated.subarray(0, at),
          Buffer.from(['"', '\0', '\r\n', '%00', '{', '9'.repeat(20), '../', "'"][length]!),
          mutated.subarray(at),
        ])
    }
  }
  return mutated
}

const LOG = {
  timeUnixNano: '1700000000000000000',
  severityNumber: 17,
  body: { stringValue: 'card declined' },
  attributes: [{ key: 'order.id', value: { intValue: '42' } }],
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
}
const LINE = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [LOG] }] }] })
// One log record with the body "card declined" in protobuf.
const PROTOBUF = Buffer.from('0a1f121d121b09000000000000000010112a0f0a0d63617264206465636c696e6564', 'hex')

let viewer: PageViewer
beforeAll(async () => {
  viewer = await startPageViewer({
    host: '127.0.0.1',
    port: 0,
    grpcPort: 0,
    httpPort: 0,
    maxMessageBytes: 4 * 2 ** 20,
    bounds: { maxLogs: 1000, maxSpans: 1000, maxDataPoints: 1000 },
  })
})
afterAll(() => viewer.close())

interface Seed {
  port: number
  head: string
  body: Buffer
}

function seeds(): Seed[] {
  const httpPort = Number(new URL(viewer.httpUrl).port)
  const page = (line: string, more = ''): string =>
    `${line} HTTP/1.1\r\nHost: localhost:${viewer.port}\r\nAuthorization: Bearer ${viewer.token}\r\nConnection: close\r\n${more}`
  const otlp = (signal: string, type: string): string =>
    `POST /v1/${signal} HTTP/1.1\r\nHost: localhost:${httpPort}\r\nConnection: close\r\nContent-Type: ${type}\r\n`
  const none = Buffer.alloc(0)
  return [
    ...[
      '/api/logs?q=level%3E%3Dwarn&limit=10',
      '/api/trace?id=4bf9',
      '/api/histogram?q=card&from=1&to=2&buckets=9',
      '/api/export?signal=traces&q=a%3D1',
      '/api/count?field=order.id',
      '/api/context?id=1&count=2',
      '/api/metric?name=a&service=b',
      '/index.html?token=1',
    ].map((path) => ({ port: viewer.port, head: page(`GET ${path}`), body: none })),
    {
      port: viewer.port,
      head: page('POST /api/import', 'Content-Type: application/x-ndjson\r\n'),
      body: Buffer.from(LINE),
    },
    { port: httpPort, head: otlp('logs', 'application/json'), body: Buffer.from(LINE) },
    { port: httpPort, head: otlp('logs', 'application/x-protobuf'), body: PROTOBUF },
    { port: httpPort, head: otlp('traces', 'application/x-protobuf'), body: PROTOBUF },
    { port: httpPort, head: otlp('metrics', 'application/x-protobuf'), body: PROTOBUF },
  ]
}

/** Sends bytes, and resolves with the answer when the server has closed the connection. */
function exchange(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end after ${HANG_MILLIS} ms: ${JSON.stringify(bytes.toString('latin1'))}`))
    }, HANG_MILLIS)
    socket.on('data', (data) => (answer += String(data))).on('error', () => {})
    // Half of a request waits for its rest.
    const ending = setTimeout(() => socket.end(), 100)
    socket.on('close', () => {
      clearTimeout(timer)
      clearTimeout(ending)
      resolve(answer)
    })
    socket.write(bytes)
  })
}

/** Growth of the memory of the process and its threads that the second half of a run may have. */
const MAX_GROWTH_BYTES = 32 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Returns the resident memory without the free part of the heap, which V8 keeps for later. */
function memory(): number {
  collectGarbage()
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  return rss - heapTotal + heapUsed
}

describe('startPageViewer', () => {
  it(
    'answers or closes, goes on, and does not grow, when requests are mutated',
    { timeout: 60_000 + COUNT * 20 },
    async () => {
      const all = seeds()
      const statuses: Record<string, number> = {}
      let left = COUNT
      let half = 0
      await Promise.all(
        Array.from({ length: CONCURRENCY }, async (_, index) => {
          const random = createRandom(SEED * 1000 + index)
          while (left > 0) {
            left -= 1
            if (left === Math.floor(COUNT / 2)) half = memory()
            const { port, head, body } = all[random(all.length)]!
            const isBody = body.length > 0 && random(2) === 0
            const content = isBody ? mutate(body, random) : body
            const start = Buffer.from(`${head}Content-Length: ${content.length}\r\n\r\n`)
            const answer = await exchange(
              port,
              Buffer.concat([isBody ? start : mutate(start, random), content]),
            )
            const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'closed'
            statuses[status] = (statuses[status] ?? 0) + 1
          }
        }),
      )
      // The mutations reach the handlers: some requests succeed, others are refused.
      expect(statuses['200']).toBeGreaterThan(COUNT / 20)
      expect(statuses['400']).toBeGreaterThan(COUNT / 20)
      expect(statuses['500'] ?? 0).toBe(0)
      expect(memory() - half).toBeLessThan(MAX_GROWTH_BYTES)
      const headers = { authorization: `Bearer ${viewer.token}` }
      expect((await fetch(`${viewer.pageUrl}api/status`, { headers })).status).toBe(200)
    },
  )
})

const QUERIES = [
  'level>=warn service=shop payment.amount>10 msg~"timed out" -route=/health trace=4bf9 since=15m',
  '(a=1 OR b=2) AND NOT c~"x" scope=http',
  'msg=~/timed? out/i duration>1.5s exception=*',
  'time>=2026-11-29T10:00:00Z until=1h attr.level="a" resource.host.name!=x',
  'body.user.name="\\"quoted\\"" order.id=9007199254740993 span=00f0',
]

const READS: [QueryName, (query: string) => object][] = [
  ['logIds', (query) => ({ query })],
  ['traces', (query) => ({ query })],
  ['metrics', (query) => ({ query })],
  ['histogram', (query) => ({ query })],
  ['countBy', (query) => ({ query: '', field: query })],
]

describe('openStore', () => {
  it(
    'answers or names the wrong place, and does not grow, when queries are mutated',
    { timeout: 60_000 + COUNT * 20 },
    async () => {
      const random = createRandom(SEED)
      let answered = 0
      let refused = 0
      let half = 0
      const count = Math.max(500, COUNT / 10)
      for (let sent = 0; sent < count; sent += 1) {
        if (sent === Math.floor(count / 2)) half = memory()
        const query = mutate(Buffer.from(QUERIES[random(QUERIES.length)]!), random).toString()
        const [name, optionsOf] = READS[random(READS.length)]!
        try {
          await viewer.store.read(name, optionsOf(query))
          answered += 1
        } catch (error) {
          if (!(error instanceof QueryError || error instanceof ViewerError))
            throw new Error(`${name} ${JSON.stringify(query)}`, { cause: error })
          refused += 1
        }
      }
      expect(answered).toBeGreaterThan(50)
      expect(refused).toBeGreaterThan(50)
      expect(memory() - half).toBeLessThan(MAX_GROWTH_BYTES)
    },
  )
})
