import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { status } from '@grpc/grpc-js'
import { afterEach, describe, expect, it } from 'vitest'
import { startPageViewer, type PageViewer, type PageViewerOptions } from '../../src/pageViewer.ts'
import { encode, exportGrpc } from '../otlp.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const viewers: PageViewer[] = []
afterEach(async () => {
  await Promise.all(viewers.splice(0).map((viewer) => viewer.close()))
})

async function start(options: Partial<PageViewerOptions> = {}): Promise<PageViewer> {
  const viewer = await startPageViewer({
    host: '127.0.0.1',
    port: 0,
    grpcPort: 0,
    httpPort: 0,
    maxMessageBytes: 4 * 2 ** 20,
    ...options,
  })
  viewers.push(viewer)
  return viewer
}

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

/** Sends a request with exactly the given headers, which fetch would change. */
function send(
  viewer: PageViewer,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: viewer.port,
        path,
        method,
        headers: { host: `localhost:${viewer.port}`, ...headers },
      },
      (response) => {
        text(response).then(
          (content) => resolve({ status: response.statusCode!, headers: response.headers, body: content }),
          reject,
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

function authorized(viewer: PageViewer): Record<string, string> {
  return { authorization: `Bearer ${viewer.token}` }
}

async function get(viewer: PageViewer, path: string): Promise<Answer> {
  return send(viewer, path, { headers: authorized(viewer) })
}

async function sendLog(viewer: PageViewer, body: string, more: object = {}): Promise<void> {
  const request = {
    resourceLogs: [
      {
        scopeLogs: [
          { logRecords: [{ timeUnixNano: `${Date.now()}000000`, body: { stringValue: body }, ...more }] },
        ],
      },
    ],
  }
  const response = await fetch(`${viewer.httpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  expect(response.status).toBe(200)
}

describe('listenPage', () => {
  it('answers what arrived, as lines of JSON', async () => {
    const viewer = await start()
    await sendLog(viewer, 'hello', {
      traceId: TRACE,
      attributes: [{ key: 'big', value: { intValue: '9007199254740993' } }],
    })
    const { status, body } = await get(viewer, '/api/logs?q=hello')
    expect(status).toBe(200)
    expect(body).toContain('"attributes":{"big":9007199254740993}')
    expect(JSON.parse(body)).toMatchObject({ id: 1, body: 'hello', traceId: TRACE })
  })

  it('names the position of an error in a query', async () => {
    const viewer = await start()
    const { status, body } = await get(viewer, `/api/logs?q=${encodeURIComponent('ok level>=')}`)
    expect(status).toBe(400)
    expect(JSON.parse(body)).toMatchObject({
      location: { start: 10 },
      error: expect.stringContaining('expected'),
    })
  })

  it('turns the token of the address into a cookie, and leads to the address without it', async () => {
    const viewer = await start()
    const { status, headers, body } = await send(viewer, `/traces?token=${viewer.token}&q=a`)
    expect(status).toBe(200)
    expect(body).toContain('content="0;url=/traces?q=a"')
    const [cookie] = headers['set-cookie'] as string[]
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/)
    const { status: answered } = await send(viewer, '/api/status', {
      headers: { cookie: cookie!.split(';')[0]! },
    })
    expect(answered).toBe(200)
  })

  it('leads to itself alone when the path begins with two slashes', async () => {
    const viewer = await start()
    const { body } = await send(viewer, `//evil.example/?token=${viewer.token}`)
    expect(body).toContain('content="0;url=/evil.example/"')
  })

  it.each([
    ['no token', '/api/logs', {}, 'The token is missing.'],
    [
      'a wrong token',
      '/api/logs',
      { authorization: `Bearer ${'0'.repeat(32)}` },
      'is that of another viewer.',
    ],
    ['a wrong token in its address', `/?token=${'0'.repeat(32)}`, {}, 'is that of another viewer.'],
  ])('refuses a request with %s', async (_name, path, headers, reason) => {
    const viewer = await start()
    const { status, body } = await send(viewer, path, { headers })
    expect(status).toBe(401)
    expect(body).toContain(reason)
    expect(body).toContain('?token=')
  })

  it.each([
    'evil.example',
    'localhost.evil.example',
    'localhost',
    '127.0.0.1:1',
    'localhost:80@evil.example',
  ])('refuses the Host %s, and names the flag', async (host) => {
    const viewer = await start()
    const { status, body } = await send(viewer, '/api/logs', { headers: { ...authorized(viewer), host } })
    expect(status).toBe(421)
    expect(body).toContain('--allow-host')
  })

  it.each(['host.docker.internal', 'abc-4319.app.github.dev:443'])(
    'answers the allowed Host %s',
    async (name) => {
      const viewer = await start({ allowedHosts: [name] })
      const host = name.includes(':') ? name : `${name}:${viewer.port}`
      const { status } = await send(viewer, '/api/status', { headers: { ...authorized(viewer), host } })
      expect(status).toBe(200)
      const otlp = await send({ ...viewer, port: Number(new URL(viewer.httpUrl).port) }, '/v1/logs', {
        method: 'POST',
        headers: { host: name, 'content-type': 'application/json' },
        body: '{}',
      })
      expect(otlp.status).toBe(200)
    },
  )

  it.each([
    ['Origin', { origin: 'http://evil.example' }],
    ['Origin of another port', { origin: 'http://localhost:1' }],
    ['opaque Origin', { origin: 'null' }],
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
  ])('refuses a request with a foreign %s', async (_name, headers) => {
    const viewer = await start()
    for (const path of ['/api/logs', '/api/live', '/api/export']) {
      const { status, headers: answered } = await send(viewer, path, {
        headers: { ...authorized(viewer), ...headers },
      })
      expect(status).toBe(403)
      expect(answered['access-control-allow-origin']).toBeUndefined()
    }
  })

  it('refuses what a form of another page can post', async () => {
    const viewer = await start()
    for (const path of ['/api/import', '/api/clear']) {
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=a',
        '',
      ]) {
        const { status } = await send(viewer, path, {
          method: 'POST',
          headers: { ...authorized(viewer), 'content-type': type },
          body: '{}',
        })
        expect(status).toBe(400)
      }
    }
  })

  it('sends a policy that forbids other sources, frames, and types', async () => {
    const viewer = await start()
    const { headers } = await get(viewer, '/api/status')
    expect(headers['content-security-policy']).toContain("default-src 'self'")
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  it('takes ids and keys that are SQL for text', async () => {
    const viewer = await start()
    await sendLog(viewer, `'); DROP TABLE logs; --`, {
      attributes: [{ key: `a' OR '1'='1`, value: { stringValue: `"; --` } }],
    })
    for (const query of [`"a' OR '1'='1"=*`, `msg~"DROP TABLE"`, `"'); --" OR msg=*`]) {
      const { body } = await get(viewer, `/api/logs?q=${encodeURIComponent(query)}`)
      expect(JSON.parse(body).id).toBe(1)
    }
  })

  it.each(['', `' OR 1=1 --`, '4bf9 OR msg=*', '0'.repeat(33)])(
    'refuses %j for the id of a trace',
    async (id) => {
      const viewer = await start()
      await sendLog(viewer, 'one', { traceId: '4bf92f3577b34da6a3ce929d0e0e4736' })
      const { status, body } = await get(viewer, `/api/trace?id=${encodeURIComponent(id)}`)
      expect(status).toBe(400)
      expect(JSON.parse(body).error).toBe(`id must be up to 32 hex digits, not ${JSON.stringify(id)}`)
    },
  )

  it('exports lines that it imports again', async () => {
    const viewer = await start()
    await sendLog(viewer, 'kept')
    const { body: lines } = await get(viewer, '/api/export?signal=logs')
    const other = await start()
    const { body } = await send(other, '/api/import', {
      method: 'POST',
      headers: { ...authorized(other), 'content-type': 'application/x-ndjson' },
      body: `${lines}\nno JSON\n`,
    })
    expect(JSON.parse(body)).toMatchObject({
      lines: 2,
      failed: 1,
      firstError: expect.stringContaining('line 3'),
    })
    expect((await get(other, '/api/export?signal=logs')).body).toBe(lines)
  })

  it('refuses an import whose line exceeds the limit, and goes on', async () => {
    const viewer = await start()
    const { status } = await send(viewer, '/api/import', {
      method: 'POST',
      headers: { ...authorized(viewer), 'content-type': 'application/x-ndjson' },
      body: `{"resourceLogs":[${' '.repeat(9 * 2 ** 20)}`,
    }).catch(() => ({ status: 413 }))
    expect(status).toBe(413)
    expect((await get(viewer, '/api/status')).status).toBe(200)
  })

  it('follows what arrives, as events and as lines', async () => {
    const viewer = await start()
    const follow = async (path: string, expected: string): Promise<void> => {
      const response = await fetch(`http://127.0.0.1:${viewer.port}${path}`, { headers: authorized(viewer) })
      expect(response.status).toBe(200)
      await sendLog(viewer, 'late')
      let received = ''
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        received += chunk
        if (received.includes(expected)) break
      }
      expect(received).toContain(expected)
    }
    await follow('/api/live?q=late', '"rows":[{"id":')
    await follow('/api/logs?q=late&follow=1', '"body":"late"')
  })

  it('answers all of the records when they are larger than a page', async () => {
    const viewer = await start()
    for (let i = 1; i <= 7; i += 1) await sendLog(viewer, `${i} ${'x'.repeat(2 ** 20)}`)
    const ids = (lines: string) =>
      lines
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: number }).id)
    expect(ids((await get(viewer, '/api/logs?limit=6')).body)).toEqual([7, 6, 5, 4, 3, 2])
    expect(ids((await get(viewer, '/api/logs?limit=6&after=1')).body)).toEqual([7, 6, 5, 4, 3, 2])
    expect(ids((await get(viewer, '/api/logs?limit=6&before=7')).body)).toEqual([6, 5, 4, 3, 2, 1])
    expect(ids((await get(viewer, '/api/context?id=4&count=3')).body)).toEqual([7, 6, 5, 4, 3, 2, 1])
    const { body } = await get(viewer, '/api/export')
    expect(
      body
        .match(/"body":\{"stringValue":"\d/g)
        ?.map((found) => found.at(-1))
        .join(''),
    ).toBe('1234567')

    const path = '/api/logs?follow=1&limit=6'
    const response = await fetch(`http://127.0.0.1:${viewer.port}${path}`, { headers: authorized(viewer) })
    let followed = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      followed += chunk
      if (followed.length > 6 * 2 ** 20 && followed.endsWith('\n')) break
    }
    expect(ids(followed)).toEqual([2, 3, 4, 5, 6, 7])
  })

  it('warns about no leak when a slow reader takes many pages of an export', async () => {
    const viewer = await start()
    const logRecords = Array.from({ length: 8000 }, (_, at) => ({ body: { stringValue: `${at}` } }))
    await viewer.store.write(
      'logs',
      'json',
      Buffer.from(JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })),
    )
    const warnings: string[] = []
    const note = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', note)
    const { body } = await get(viewer, '/api/export')
    process.off('warning', note)
    expect(body.match(/\n/g)).toHaveLength(8000)
    expect(warnings).toEqual([])
  })

  it('forwards requests as they came, and counts what failed', async () => {
    const target = await start()
    const viewer = await start({ forwardUrl: target.httpUrl })
    await sendLog(viewer, 'forwarded')
    await expect.poll(async () => (await get(target, '/api/logs?q=forwarded')).body).toContain('forwarded')
    await target.close()
    viewers.splice(viewers.indexOf(target), 1)
    await sendLog(viewer, 'lost')
    await expect
      .poll(async () => JSON.parse((await get(viewer, '/api/status')).body).forwarded, { timeout: 15_000 })
      .toMatchObject({ sent: 1, failed: 1, lastError: expect.stringContaining('ECONNREFUSED') })
  })

  it('counts the requests that wait as failed when it ends while the endpoint does not answer', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    const viewer = await start({ forwardUrl: `http://127.0.0.1:${port}` })
    await sendLog(viewer, 'first')
    await sendLog(viewer, 'second')
    await viewer.close()
    silent.closeAllConnections()
    silent.close()
    expect(viewer.forwarded()).toMatchObject({ sent: 0, failed: 2, lastError: 'no answer' })
  })

  it('answers 503 and UNAVAILABLE, so that the sender tries again, when the database fails', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'viewer-server-')), 'viewer.db')
    const viewer = await start({ file })
    const database = new DatabaseSync(file)
    database.exec('DROP TABLE logs')
    database.close()
    const request = { resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] }
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify(request)
    const response = await fetch(`${viewer.httpUrl}/v1/logs`, { method: 'POST', headers, body })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({
      code: 14,
      message: expect.stringContaining('Storing failed'),
    })
    const grpcPort = Number(new URL(viewer.grpcUrl).port)
    await expect(exportGrpc(grpcPort, 'logs', encode('logs', request))).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.stringContaining('Storing failed'),
    })
    expect(viewer.refused()).toBe(2)
  })

  it('goes on receiving when the bodies are larger together than the bodies that can wait', async () => {
    const viewer = await start()
    for (let sent = 0; sent < 12; sent += 1) await sendLog(viewer, 'x'.repeat(3 * 2 ** 20))
    expect(viewer.store.written().inserted.logs).toBe(12)
  })

  it('allows OTLP of pages by their origin alone', async () => {
    const viewer = await start({ allowedOrigins: ['http://localhost:5173'] })
    const preflight = (origin: string) =>
      fetch(`${viewer.httpUrl}/v1/logs`, { method: 'OPTIONS', headers: { origin } })
    expect((await preflight('http://localhost:5173')).headers.get('access-control-allow-origin')).toBe(
      'http://localhost:5173',
    )
    expect((await preflight('http://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
  })
})
