import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { compressionAlgorithms, status } from '@grpc/grpc-js'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkJson, checkMessage } from '../src/memory.ts'
import { type Bomb, bombs, emptyLogs } from './bombs.ts'
import { exportGrpc, requestTypes } from './otlp.ts'

const LONG = { tags: 'long' }
const MIB = 2 ** 20
const LIMIT = 4 * MIB
/** Largest growth that the README states for a request of up to 4 MiB. */
const MAX_GROWTH = 200 * MIB

const [reporter, cli, library] = [
  'fixtures/reportMemory.mjs',
  '../dist/cli.js',
  'fixtures/viewerLibrary.mjs',
].map((path) => fileURLToPath(new URL(path, import.meta.url))) as [string, string, string]
const free = ['--terminal', '--grpc-port=0', '--http-port=0']

interface Target {
  httpUrl: string
  grpcPort: number
  /** Returns the current and the largest resident memory of the process. */
  memory(): Promise<{ rss: number; maxRss: number }>
}

let child: ChildProcess

afterEach(() => {
  child.kill('SIGKILL')
})

async function run(program: string[]): Promise<Target> {
  child = spawn(process.execPath, ['--import', reporter, ...program], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  for await (const line of createInterface({ input: child.stderr! })) {
    const ports = /gRPC at \S+:(?<grpcPort>\d+), HTTP at (?<httpUrl>\S+)$/.exec(line)?.groups
    if (ports === undefined) throw new Error(line)
    child.stderr!.resume()
    const target: Target = {
      httpUrl: ports['httpUrl']!,
      grpcPort: Number(ports['grpcPort']),
      async memory() {
        const answer = once(child, 'message')
        child.send('memory')
        return (await answer)[0] as { rss: number; maxRss: number }
      },
    }
    // The first request loads code, which is no memory of a request.
    await send(target, { ...emptyLogs, build: () => Buffer.alloc(0) }, 0)
    return target
  }
  throw new Error('The viewer did not start')
}

async function send({ httpUrl }: Target, bomb: Bomb, count: number, gzip = false): Promise<number> {
  const body = bomb.build(count)
  // Each request has a new connection, because the viewer closes an idle connection while the next body is built. The connection
  // is kept alive, because otherwise the viewer closes the connection with its answer, before a too large body is sent.
  const agent = new Agent({ keepAlive: true })
  const request = httpRequest(`${httpUrl}/v1/${bomb.signal}`, {
    method: 'POST',
    agent,
    headers: {
      'content-type': bomb.json ? 'application/json' : 'application/x-protobuf',
      ...(gzip && { 'content-encoding': 'gzip' }),
    },
  })
  request.end(gzip ? gzipSync(body) : body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'close')
  agent.destroy()
  return response.statusCode!
}

/** Finds about the largest count that is still accepted, which is the request that takes the most memory. */
function largestAccepted(bomb: Bomb): number {
  let accepted = 1
  let refused = Math.floor(LIMIT / bomb.width) + 1
  while (refused - accepted > Math.max(1, refused / 12)) {
    const count = Math.floor((accepted + refused) / 2)
    if (isAccepted(bomb.build(count), bomb)) accepted = count
    else refused = count
  }
  return accepted
}

/** Runs the checks alone, because decoding each request would take minutes. */
function isAccepted(bytes: Buffer, { json, signal }: Bomb): boolean {
  try {
    if (json) checkJson(bytes, LIMIT)
    else checkMessage(requestTypes[signal], bytes, LIMIT)
    return bytes.length <= LIMIT
  } catch {
    return false
  }
}

/** Largest accepted counts, computed before the tests, because connections would time out during the computation. */
let counts: Map<Bomb, number>

beforeAll(() => {
  counts = new Map(bombs.map((bomb) => [bomb, largestAccepted(bomb)]))
}, 120_000)

/** Sends each bomb at its largest accepted size, and at the size limit. */
async function sendAll(target: Target, check: (bomb: Bomb) => Promise<void>): Promise<void> {
  for (const [bomb, count] of counts) {
    // A JSON request is checked a second time after its conversion to protobuf.
    expect(bomb.json ? [200, 413] : [200], `${bomb.content}: ${count}`).toContain(
      await send(target, bomb, count),
    )
    expect([200, 413], bomb.content).toContain(await send(target, bomb, Math.floor(LIMIT / bomb.width)))
    await check(bomb)
  }
}

describe.each([
  { subject: 'logbridge-viewer', program: [cli, ...free] },
  { subject: 'logbridge-viewer --json', program: [cli, ...free, '--json'] },
])('$subject', ({ program }) => {
  it('grows by at most 200 MB when requests of up to 4 MiB decode into much more', LONG, async () => {
    const target = await run(program)
    const { rss } = await target.memory()
    await sendAll(target, async ({ content }) => {
      expect((await target.memory()).maxRss - rss, content).toBeLessThan(MAX_GROWTH)
    })
  })

  it(
    'grows by at most 200 MB when twenty such requests arrive at once over HTTP and gRPC',
    LONG,
    async () => {
      const target = await run(program)
      const { rss } = await target.memory()
      const count = counts.get(emptyLogs)!
      const twenty = Array.from({ length: 20 }, () => send(target, emptyLogs, count, true))
      expect(await Promise.all(twenty)).toEqual(twenty.map(() => 200))
      const gzip = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip }
      const call = (bytes: Buffer) => exportGrpc(target.grpcPort, 'logs', bytes, gzip)
      await Promise.all(Array.from({ length: 20 }, () => call(emptyLogs.build(count))))
      const refused = Array.from({ length: 20 }, () => call(emptyLogs.build(2 * MIB - 100)))
      for (const result of await Promise.allSettled(refused)) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: status.RESOURCE_EXHAUSTED } })
      }
      expect((await target.memory()).maxRss - rss).toBeLessThan(MAX_GROWTH)
    },
  )
})

it.each(bombs.filter(({ content }) => /^(?:log records|spans|metrics|span events|C1 .*)$/.test(content)))(
  'startViewer grows by at most 200 MB when a request of up to 4 MiB has $content',
  LONG,
  async (bomb) => {
    const target = await run([library])
    const { rss } = await target.memory()
    expect(await send(target, bomb, counts.get(bomb)!)).toBe(200)
    expect((await target.memory()).maxRss - rss).toBeLessThan(MAX_GROWTH)
  },
)

it('startViewer keeps its memory when a small request expands over the limit', LONG, async () => {
  const target = await run([library])
  const { rss } = await target.memory()
  expect(await send(target, emptyLogs, 32 * MIB, true)).toBe(413)
  expect((await target.memory()).maxRss - rss).toBeLessThan(MAX_GROWTH)
})

it('logbridge-viewer grows by at most 200 MB when a body arrives in chunks of one byte', LONG, async () => {
  const target = await run([cli, ...free])
  const { rss } = await target.memory()
  const socket = connect(Number(new URL(target.httpUrl).port), '127.0.0.1')
  const head = [
    'POST /v1/logs HTTP/1.1',
    'host: localhost',
    'connection: close',
    'transfer-encoding: chunked',
  ]
  socket.write(`${[...head, 'content-type: application/json'].join('\r\n')}\r\n\r\n`)
  // Each chunk has six bytes: length, line break, content, line break.
  socket.end(`${'1\r\n \r\n'.repeat(LIMIT / 6)}2\r\n{}\r\n0\r\n\r\n`)
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 /)
  const { maxRss } = await target.memory()
  expect(maxRss - rss).toBeLessThan(MAX_GROWTH)
})
