import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const viewerCli = fileURLToPath(new URL('../../viewer/dist/cli.js', import.meta.url))
const mcpCli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

let folder: string
let viewer: ChildProcess
let client: Client
let httpUrl: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'logbridge-mcp-'))
  const env = { ...process.env, XDG_RUNTIME_DIR: folder } as Record<string, string>
  client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [mcpCli], env }))
  expect(await call('list_services')).toMatchObject({
    isError: true,
    text: expect.stringContaining('No viewer of this user runs'),
  })
  viewer = spawn(process.execPath, [viewerCli, '--port=0', '--grpc-port=0', '--http-port=0'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  viewer.stderr!.on('data', (data) => (stderr += data))
  await vi.waitFor(() => expect(stderr).toMatch(/HTTP at \S+\n/), { timeout: 20_000 })
  httpUrl = /HTTP at (\S+)\n/.exec(stderr)![1]!
  await send('logs', logs())
  await send('traces', spans())
})

afterAll(async () => {
  await client.close()
  viewer.kill('SIGTERM')
  await once(viewer, 'close')
  rmSync(folder, { recursive: true, force: true })
})

async function send(signal: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const { status } = await fetch(`${httpUrl}/v1/${signal}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  expect(status).toBe(200)
}

async function call(name: string, args: Record<string, unknown> = {}) {
  const { content, isError } = await client.callTool({ name, arguments: args })
  return { text: (content as { text: string }[])[0]!.text, isError }
}

const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }

function logs(): object {
  const logRecords = Array.from({ length: 500 }, (_, at) => ({
    timeUnixNano: `${Date.now() + at}000000`,
    severityNumber: at % 10 === 0 ? 17 : 9,
    body: { stringValue: `order ${at}` },
    attributes: [{ key: 'http.route', value: { stringValue: at % 4 === 0 ? '/orders' : '/health' } }],
    traceId: at === 0 ? TRACE : '',
  }))
  return { resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }
}

function spans(): object {
  const start = Date.now()
  const span = { traceId: TRACE, name: 'charge', kind: 2, spanId: '00f067aa0ba902b7' }
  const times = { startTimeUnixNano: `${start}000000`, endTimeUnixNano: `${start + 80}000000` }
  return {
    resourceSpans: [{ resource, scopeSpans: [{ spans: [{ ...span, ...times, status: { code: 2 } }] }] }],
  }
}

describe('createServer', () => {
  it('lists its tools, each of which only reads', async () => {
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name).toSorted()).toEqual([
      'count_by',
      'describe_trace',
      'list_services',
      'search_logs',
    ])
    for (const { annotations } of tools) expect(annotations).toMatchObject({ readOnlyHint: true })
  })

  it('answers the number of records by level before the newest records when it searches logs', async () => {
    const { text } = await call('search_logs', { query: 'http.route=/orders', limit: 2 })
    expect(text).toMatch(/^125 log records match: INFO 100, ERROR 25\n.*order 496.*\n.*order 492.*$/)
  })

  it('says 1 log record when a single one matches', async () => {
    const { text } = await call('search_logs', { query: `trace=${TRACE}` })
    expect(text).toMatch(/^1 log record matches: ERROR 1\n/)
  })

  it('answers at most 4 KiB unless the caller asks for more', async () => {
    const { text } = await call('search_logs', { limit: 1000 })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096)
    expect(text).toMatch(/\n… \d+ more lines?; ask with a larger maxBytes/)
    const { text: more } = await call('search_logs', { limit: 1000, maxBytes: 65_536 })
    expect(more.split('\n')).toHaveLength(501)
  })

  it('describes a trace by its summary first', async () => {
    const { text } = await call('describe_trace', { traceId: TRACE.slice(0, 6) })
    expect(text).toMatch(
      /^trace 4bf92f3577b34da6a3ce929d0e0e4736\n1 span of 1 service \(shop\), 1 log record, 1 error, 80\.0ms\n/,
    )
    expect(text).toContain('order 0')
  })

  it('lists services and counts records by an attribute', async () => {
    expect((await call('list_services')).text).toBe('shop: 500 log records, 50 errors, 1 span')
    expect((await call('count_by', { field: 'http.route' })).text).toBe('375 "/health"\n125 "/orders"')
    expect((await call('count_by', { field: 'service', query: 'level>=error' })).text).toBe('50 "shop"')
  })

  it('asks about a mistyped field when no record matches', async () => {
    const { text } = await call('search_logs', { query: 'levle=error' })
    expect(text).toBe('0 log records match\nDid you mean the field level instead of levle?')
  })

  it('answers the error of a wrong query', async () => {
    expect(await call('search_logs', { query: 'level>=loud' })).toMatchObject({
      isError: true,
      text: expect.stringContaining('expected trace, debug'),
    })
  })
})
