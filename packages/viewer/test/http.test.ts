import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Viewer } from '../src/index.ts'
import { decodeStatus, encode, oneLog, postJson, postProtobuf, start } from './otlp.ts'

const maxMessageBytes = 100_000
const body = encode('logs', oneLog({ body: { stringValue: 'hello' } }))
let viewer: Viewer

function repeat<T>(element: T): T[] {
  return Array.from({ length: 18_000 }, () => element)
}

beforeAll(async () => {
  viewer = await start({ maxMessageBytes })
})

afterAll(() => viewer.close())

describe('HTTP listener accepts', () => {
  it.each(['/v1/logs', '/v1/traces', '/v1/metrics', '/v1/logs?tenant=1'])('a POST to %s', async (path) => {
    const response = await postProtobuf(viewer, path, new Uint8Array())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    expect((await response.arrayBuffer()).byteLength).toBe(0)
  })

  it('JSON when the content type has parameters, and answers in JSON', async () => {
    const response = await fetch(`${viewer.httpUrl}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'Application/JSON; charset=utf-8' },
      body: '{}',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({})
  })

  it.each([
    { encoding: 'gzip', compressed: gzipSync(body) },
    { encoding: 'GZIP', compressed: gzipSync(body) },
    { encoding: 'deflate', compressed: deflateSync(body) },
    { encoding: 'br', compressed: brotliCompressSync(body) },
    { encoding: 'zstd', compressed: zstdCompressSync(body) },
    { encoding: 'identity', compressed: body },
  ])('the content encoding $encoding', async ({ encoding, compressed }) => {
    const before = viewer.counts.logRecords
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(compressed), {
      'content-encoding': encoding,
    })
    expect(response.status).toBe(200)
    expect(viewer.counts.logRecords).toBe(before + 1)
  })

  it('a body when its size is exactly the limit', async () => {
    const text = JSON.stringify(oneLog({ body: { stringValue: '' } }))
    const full = text.replace('""', `"${'x'.repeat(maxMessageBytes - text.length)}"`)
    expect(full).toHaveLength(maxMessageBytes)
    expect((await postJson(viewer, '/v1/logs', full)).status).toBe(200)
    expect((await postJson(viewer, '/v1/logs', `${full} `)).status).toBe(413)
  })
})

describe('HTTP listener answers with a google.rpc.Status in the encoding of the request', () => {
  it.each([
    { condition: 'a protobuf message is truncated', bytes: body.subarray(0, body.length - 2) },
    {
      condition: 'a protobuf string has invalid UTF-8',
      bytes: Uint8Array.from(body, (byte) => (byte === 0x68 ? 0xff : byte)),
    },
  ])('400 when $condition', async ({ bytes }) => {
    const before = viewer.counts.refused
    const response = await postProtobuf(viewer, '/v1/logs', bytes)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    expect(decodeStatus(await response.arrayBuffer())).toMatchObject({
      code: 3,
      message: expect.stringMatching(/.+/),
    })
    expect(viewer.counts.refused).toBe(before + 1)
  })

  it.each([
    { condition: 'JSON is truncated', text: '{"resourceLogs":[' },
    { condition: 'JSON is no object', text: '[]' },
    { condition: 'a JSON field has another type', text: '{"resourceLogs":{}}' },
    { condition: 'a JSON id has an odd number of digits', text: JSON.stringify(oneLog({ traceId: 'abc' })) },
    {
      condition: 'a JSON id is base64',
      text: JSON.stringify(oneLog({ traceId: 'S/kvNXezTaajzpKdDg5HNg==' })),
    },
    {
      condition: 'a JSON integer is out of range',
      text: JSON.stringify(oneLog({ body: { intValue: '9223372036854775808' } })),
    },
    { condition: 'JSON nests too deep', text: `{"resourceLogs":${'['.repeat(3000)}` },
  ])('400 when $condition', async ({ text }) => {
    const response = await postJson(viewer, '/v1/logs', text)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ code: 3, message: expect.stringMatching(/.+/) })
  })

  it('400 when a value nests 600 levels deep', async () => {
    let any: object = {}
    for (let depth = 0; depth < 600; depth++) any = { arrayValue: { values: [any] } }
    const large = await start()
    try {
      expect((await postJson(large, '/v1/logs', oneLog({ body: any }))).status).toBe(400)
    } finally {
      await large.close()
    }
  })

  it('400 when the body does not match its content encoding', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(400)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain('gzip')
  })

  it('404 when the path is unknown', async () => {
    const response = await postJson(viewer, '/v1/profiles', {})
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('/v1/logs, /v1/traces, /v1/metrics')
  })

  it('405 when the method is other than POST', async () => {
    const response = await fetch(`${viewer.httpUrl}/v1/logs`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it.each(['text/plain', 'application/grpc', ''])('415 when the content type is "%s"', async (type) => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-type': type })
    expect(response.status).toBe(415)
    expect(await response.text()).toContain('application/x-protobuf')
  })

  it('415 when the content encoding is unknown', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-encoding': 'snappy' })
    expect(response.status).toBe(415)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain('gzip, deflate, br, zstd')
  })

  it('413 when a body is far over the limit and its sender is still sending', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(20_000_000))
    expect(response.status).toBe(413)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain(String(maxMessageBytes))
  })

  it.each([
    { content: 'log records', request: { resourceLogs: [{ scopeLogs: [{ logRecords: repeat({}) }] }] } },
    { content: 'values', request: oneLog({ body: { arrayValue: { values: repeat({}) } } }) },
    { content: 'attributes', request: oneLog({ attributes: repeat({ key: 'a' }) }) },
  ])('413 when the $content would take too much memory, in protobuf and JSON', async ({ request }) => {
    const before = viewer.counts.refused
    const bytes = encode('logs', request)
    const compressed = new Uint8Array(gzipSync(bytes))
    const responses = [
      await postProtobuf(viewer, '/v1/logs', bytes),
      await postProtobuf(viewer, '/v1/logs', compressed, { 'content-encoding': 'gzip' }),
    ]
    for (const response of responses) {
      expect(response.status).toBe(413)
      expect(decodeStatus(await response.arrayBuffer())).toMatchObject({
        code: 8,
        message: expect.stringContaining('too large'),
      })
    }
    const response = await postJson(viewer, '/v1/logs', request)
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 8 })
    expect(viewer.counts.refused).toBe(before + 3)
  })

  it('413 when a body without a content length is over the limit', async () => {
    const request = httpRequest(`${viewer.httpUrl}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
    })
    for (let sent = 0; sent <= maxMessageBytes; sent += 10_000) request.write(Buffer.alloc(10_000))
    request.end()
    const [response] = await once(request, 'response')
    expect(response.statusCode).toBe(413)
    response.resume()
  })

  it.each([
    { encoding: 'gzip', bomb: gzipSync(Buffer.alloc(50_000_000)) },
    { encoding: 'deflate', bomb: deflateSync(Buffer.alloc(50_000_000)) },
    { encoding: 'br', bomb: brotliCompressSync(Buffer.alloc(50_000_000)) },
    { encoding: 'zstd', bomb: zstdCompressSync(Buffer.alloc(50_000_000)) },
  ])('413 when a small $encoding body expands over the limit', async ({ encoding, bomb }) => {
    expect(bomb.length).toBeLessThan(maxMessageBytes)
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(bomb), {
      'content-encoding': encoding,
    })
    expect(response.status).toBe(413)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain(String(maxMessageBytes))
  })
})

describe('HTTP listener', () => {
  /** Sends a request with raw header lines and returns the status of its answer. */
  async function statusOf(lines: string[], version = '1.1', target = '/v1/logs'): Promise<number> {
    const socket = connect(viewer.httpPort, '127.0.0.1')
    const head = [`POST ${target} HTTP/${version}`, 'content-type: application/json', 'content-length: 2']
    socket.end(`${[...head, ...lines, 'connection: close'].join('\r\n')}\r\n\r\n{}`)
    let answer = ''
    for await (const chunk of socket) answer += chunk
    return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])
  }

  it.each(['localhost', 'LocalHost', '127.0.0.1', '[::1]', 'localhost:4318', '127.0.0.1:1', '[::1]:65535'])(
    'accepts a request when the Host header names this machine: %s',
    async (host) => {
      expect(await statusOf([`host: ${host}`])).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'localhost.evil.example',
    'localhost.evil.example:4318',
    'evil.example:4318',
    '127.0.0.1:4318.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    'evil-localhost',
    'localhost.',
    'localhost:',
    'localhost:4318:4318',
    'user@localhost',
    'evil.example@localhost',
    'localhost, evil.example',
    'localhost evil.example',
    'localhost/',
    'localhost#',
    '[::1',
    '::1',
    '[::1].evil.example',
    '127.1',
    '2130706433',
    '0.0.0.0',
    '192.168.1.1:4318',
    '',
  ])('answers 421 when the Host header names anything else: "%s"', async (host) => {
    const before = viewer.counts.requests.logs
    expect(await statusOf([`host: ${host}`])).toBe(421)
    expect(viewer.counts.requests.logs).toBe(before)
  })

  it('refuses a request when the Host header is missing or repeated', async () => {
    expect(await statusOf([])).toBe(400)
    expect(await statusOf([], '1.0')).toBe(421)
    expect(await statusOf(['host: localhost', 'host: localhost'])).not.toBe(200)
    expect(await statusOf(['host: localhost', 'host: evil.example'])).not.toBe(200)
  })

  it('answers 404 when the request target names another host', async () => {
    expect(await statusOf(['host: localhost'], '1.1', 'http://evil.example/v1/logs')).toBe(404)
  })

  it('accepts the listen address as Host header, and any name when it listens on every address', async () => {
    const one = await start({ host: '127.0.0.2' })
    const all = await start({ host: '0.0.0.0' })
    try {
      expect(await statusAt(one, '127.0.0.2', '127.0.0.2')).toBe(200)
      expect(await statusAt(one, '127.0.0.2', '127.0.0.3')).toBe(421)
      expect(await statusAt(all, '127.0.0.1', 'viewer.internal:4318')).toBe(200)
      expect(await statusAt(all, '127.0.0.1', 'no name')).toBe(421)
    } finally {
      await Promise.all([one.close(), all.close()])
    }
  })

  async function statusAt({ httpPort }: Viewer, hostname: string, host: string): Promise<number> {
    const headers = { host, 'content-type': 'application/json' }
    const request = httpRequest({ hostname, port: httpPort, path: '/v1/logs', method: 'POST', headers })
    request.end('{}')
    const [response] = await once(request, 'response')
    response.resume()
    return response.statusCode
  }
})

it('HTTP listener answers 503 when too many bodies are buffered, and recovers when their senders disconnect', async () => {
  const small = await start({ maxMessageBytes: 1000 })
  try {
    const senders = Array.from({ length: 8 }, () => {
      const socket = connect(small.httpPort, '127.0.0.1')
      const head = 'POST /v1/logs HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
      socket.write(`${head}content-length: 1000\r\n\r\n${' '.repeat(990)}`)
      return socket
    })
    await expect.poll(() => postJson(small, '/v1/logs', ' '.repeat(1000))).toMatchObject({ status: 503 })
    for (const socket of senders) socket.destroy()
    await expect.poll(() => postJson(small, '/v1/logs', '{}')).toMatchObject({ status: 200 })
  } finally {
    await small.close()
  }
})

it('HTTP listener keeps receiving when a sender resets in the middle of a body', async () => {
  const socket = connect(viewer.httpPort, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
  )
  socket.resetAndDestroy()
  await once(socket, 'close')
  expect((await postJson(viewer, '/v1/logs', {})).status).toBe(200)
})
