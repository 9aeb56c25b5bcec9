/** Starts the command of the viewer, sends log records to it, and asks it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../../packages/viewer/dist/cli.js', import.meta.url))
const RECORDS = 500
const CONCURRENCY = 4

/** Starts a viewer with a page, calls `run`, and stops the viewer. */
export async function withViewer(args, run) {
  const child = spawn(process.execPath, [cli, '--port=0', '--grpc-port=0', '--http-port=0', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const agent = new Agent({ keepAlive: true })
  try {
    const { page, token, http } = await addresses(child)
    await run({
      /** Sends records, and resolves when all of them are stored. */
      send: (count, start) => sendRequests(http, agent, encodeRequests(count, start)),
      ask: (path) => ask(new URL(path, page), agent, token),
      rss: () => residentMegabytes(child.pid),
    })
  } finally {
    agent.destroy()
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
}

async function addresses(child) {
  let output = ''
  for await (const chunk of child.stderr) {
    output += chunk
    const found = /Page: (\S+)\?token=(\S+)\n.*HTTP at (\S+)\n/s.exec(output)
    if (found) {
      child.stderr.resume()
      return { page: found[1], token: found[2], http: found[3] }
    }
  }
  throw new Error(`the viewer did not start: ${output}`)
}

async function ask(url, agent, token) {
  const sent = request(url, { agent, headers: { authorization: `Bearer ${token}` } }).end()
  const [response] = await once(sent, 'response')
  const body = await text(response)
  if (response.statusCode !== 200)
    throw new Error(`${url.pathname}${url.search}: ${response.statusCode} ${body}`)
  return body
}

/** Returns the resident memory of a process in MiB. */
export function residentMegabytes(pid) {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024
}

/** Encodes requests with a number of log records, each request when it is taken. */
export function* encodeRequests(count, start = 0) {
  for (let sent = 0; sent < count; sent += RECORDS) yield encodeRequest(start + sent)
}

/**
 * Sends requests, several at a time, and resolves when all of them are stored.
 * @param requests iterator, which the senders share
 */
export async function sendRequests(httpUrl, agent, requests) {
  const url = new URL('/v1/logs', httpUrl)
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      for (const body of requests) await post(url, agent, body)
    }),
  )
}

async function post(url, agent, body) {
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length }
  const sent = request(url, { method: 'POST', agent, headers })
  sent.end(body)
  const [response] = await once(sent, 'response')
  response.resume()
  if (response.statusCode !== 200) throw new Error(`the viewer answered ${response.statusCode}`)
}

const RESOURCE = field(1, field(1, attribute('service.name', 'shop')))
const SCOPE = field(1, field(1, 'payment'))
const LEVELS = [9, 9, 9, 9, 9, 9, 9, 13, 13, 17]
const NAMES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR']

/** Encodes a request. Each record is about 250 bytes; the times are 5 ms apart. */
function encodeRequest(first) {
  const records = Array.from({ length: RECORDS }, (_, at) => field(2, encodeRecord(first + at)))
  return field(1, Buffer.concat([RESOURCE, field(2, Buffer.concat([SCOPE, ...records]))]))
}

const BEGIN = BigInt(Date.now() - 3_600_000) * 1_000_000n

function encodeRecord(number) {
  const time = Buffer.alloc(9)
  time[0] = 0x09
  time.writeBigUInt64LE(BEGIN + BigInt(number) * 5_000_000n, 1)
  const level = LEVELS[number % LEVELS.length]
  return Buffer.concat([
    time,
    Buffer.from([0x10, level]),
    field(3, NAMES[(level - 1) / 4]),
    field(
      5,
      field(1, `order ${number} of customer ${number % 997} ${level === 17 ? 'timed out' : 'placed'}`),
    ),
    field(6, attribute('order.id', number)),
    field(6, attribute('http.route', number % 4 === 0 ? '/health' : '/orders')),
    field(6, attribute('payment.amount', number % 1000)),
    field(9, Buffer.from((number % 5000).toString(16).padStart(32, '4bf92f35'), 'hex')),
    field(10, Buffer.from((number % 5000).toString(16).padStart(16, '0'), 'hex')),
  ])
}

function attribute(key, value) {
  const any = typeof value === 'number' ? Buffer.from([0x18, ...varint(value)]) : field(1, value)
  return Buffer.concat([field(1, key), field(2, any)])
}

function field(number, content) {
  const bytes = Buffer.from(content)
  return Buffer.concat([Buffer.from([number * 8 + 2, ...varint(bytes.length)]), bytes])
}

function varint(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return [...bytes, value]
}
