import { connect, type Socket } from 'node:net'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Client, credentials } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { startPageViewer, type PageViewer, type PageViewerOptions } from '../../src/pageViewer.ts'
import { bombs } from '../bombs.ts'

const MIB = 2 ** 20
const viewers: PageViewer[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(viewers.splice(0).map((viewer) => viewer.close()))
})

async function start(options: Partial<PageViewerOptions> = {}): Promise<PageViewer> {
  const viewer = await startPageViewer({
    host: '127.0.0.1',
    port: 0,
    grpcPort: 0,
    httpPort: 0,
    maxMessageBytes: 4 * MIB,
    ...options,
  })
  viewers.push(viewer)
  return viewer
}

async function isAlive(viewer: PageViewer): Promise<boolean> {
  const headers = { authorization: `Bearer ${viewer.token}` }
  return (await fetch(`${viewer.pageUrl}api/status`, { headers })).ok
}

async function sendLog(viewer: PageViewer, body: string): Promise<void> {
  const logRecords = [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: body } }]
  const response = await fetch(`${viewer.httpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  })
  expect(response.status).toBe(200)
}

/** Sends a request as a browser does whose name server answers 127.0.0.1 for the name of an evil page. */
async function sendRebound(
  port: number | string,
  path: string,
  method: string,
  headers = {},
): Promise<number> {
  const sent = request(`http://rebound.evil.example:${port}${path}`, {
    method,
    headers,
    lookup: (_name, options, callback) =>
      options.all === true
        ? callback(null, [{ address: '127.0.0.1', family: 4 }])
        : callback(null, '127.0.0.1', 4),
  })
  sent.end(method === 'POST' ? '{}' : undefined)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await text(response)
  return response.statusCode!
}

describe('startPageViewer', () => {
  it('refuses a name of a web page that resolves to this machine, on all three ports', async () => {
    const viewer = await start()
    const authorization = `Bearer ${viewer.token}`
    expect(await sendRebound(viewer.port, '/api/logs', 'GET', { authorization })).toBe(421)
    const json = { 'content-type': 'application/json' }
    expect(await sendRebound(new URL(viewer.httpUrl).port, '/v1/logs', 'POST', json)).toBe(421)
    const client = new Client(new URL(viewer.grpcUrl).host, credentials.createInsecure(), {
      'grpc.default_authority': 'rebound.evil.example',
    })
    const path = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'
    const identity = (bytes: Buffer): Buffer => bytes
    const error = await new Promise((resolve) => {
      client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), resolve)
    })
    client.close()
    expect(error).toMatchObject({ code: 7 })
    expect(viewer.store.written().inserted.logs).toBe(0)
  })

  it('refuses event streams and WebSockets of another page', async () => {
    const viewer = await start()
    const authorization = `Bearer ${viewer.token}`
    for (const path of ['/api/live', '/api/logs?follow']) {
      const headers = { authorization, origin: 'http://evil.example' }
      expect((await fetch(`${viewer.pageUrl}${path.slice(1)}`, { headers })).status).toBe(403)
    }
    const socket = new WebSocket(viewer.pageUrl.replace('http', 'ws'))
    const [event] = (await Promise.race([once(socket, 'open'), once(socket, 'error')])) as [Event]
    expect(event.type).toBe('error')
  })

  it('ends the connection of a body that flows without end, when its request is refused', async () => {
    const viewer = await start()
    const socket = connect(viewer.port, '127.0.0.1')
    sockets.push(socket)
    let answer = ''
    socket.on('data', (data) => (answer += String(data))).on('error', () => {})
    socket.write(
      `POST /api/import HTTP/1.1\r\nHost: localhost:${viewer.port}\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    const closed = new Promise((resolve) => socket.once('close', resolve))
    let sent = 0
    const flood = (): void => {
      while (!socket.destroyed && sent < 512 * MIB) {
        sent += MIB
        if (!socket.write(`100000\r\n${'x'.repeat(MIB)}\r\n`)) {
          socket.once('drain', flood)
          return
        }
      }
    }
    flood()
    await closed
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(sent).toBeLessThan(64 * MIB)
    expect(await isAlive(viewer)).toBe(true)
  })

  it('refuses bombs in an import, and goes on', async () => {
    const viewer = await start()
    const json = bombs.filter((bomb) => bomb.json === true)
    expect(json.length).toBeGreaterThan(0)
    const lines = json.map((bomb) => bomb.build(Math.floor((3 * MIB) / (bomb.width + 1))).toString())
    const response = await fetch(`${viewer.pageUrl}api/import`, {
      method: 'POST',
      headers: { authorization: `Bearer ${viewer.token}`, 'content-type': 'application/x-ndjson' },
      body: lines.join('\n'),
    })
    const result = (await response.json()) as { lines: number; failed: number }
    expect(result.lines).toBe(lines.length)
    expect(result.failed).toBeGreaterThan(0)
    expect(process.memoryUsage().rss).toBeLessThan(2000 * MIB)
    expect(await isAlive(viewer)).toBe(true)
  })

  it('ends a query that would take minutes, and stores meanwhile', { tags: ['long'] }, async () => {
    const viewer = await start()
    const body = 'ab'.repeat(2000)
    const logRecords = Array.from({ length: 800 }, () => ({ body: { stringValue: body } }))
    const request = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }
    for (let sent = 0; sent < 25; sent += 1) {
      await viewer.store.write('logs', 'json', Buffer.from(JSON.stringify(request)))
    }
    const slow = Array.from({ length: 30 }, (_, at) => `msg=~/(a|b|ab)*(ab|ba)*c${at}$/`).join(' OR ')
    const done = new AbortController()
    const answered = fetch(`${viewer.pageUrl}api/histogram?q=${encodeURIComponent(slow)}`, {
      headers: { authorization: `Bearer ${viewer.token}` },
    }).finally(() => done.abort())
    let stored = 0
    while (!done.signal.aborted) {
      await sendLog(viewer, 'meanwhile')
      stored += 1
    }
    expect((await answered).status).toBe(504)
    expect(stored).toBeGreaterThan(20)
    expect(await isAlive(viewer)).toBe(true)
  })
})
