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

beforeAll(async () => {
  viewer = await start({ maxMessageBytes })
})

afterAll(() => viewer.close())

describe('accepted', () => {
  it.each(['/v1/logs', '/v1/traces', '/v1/metrics', '/v1/logs?tenant=1'])('POST %s', async (path) => {
    const response = await postProtobuf(viewer, path, new Uint8Array())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    expect((await response.arrayBuffer()).byteLength).toBe(0)
  })

  it('JSON is answered in JSON, whatever the parameters of the content type', async () => {
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
  ])('content encoding $encoding', async ({ encoding, compressed }) => {
    const before = viewer.counts.logRecords
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(compressed), {
      'content-encoding': encoding,
    })
    expect(response.status).toBe(200)
    expect(viewer.counts.logRecords).toBe(before + 1)
  })

  it('a body of exactly the limit', async () => {
    const text = JSON.stringify(oneLog({ body: { stringValue: '' } }))
    const full = text.replace('""', `"${'x'.repeat(maxMessageBytes - text.length)}"`)
    expect(full).toHaveLength(maxMessageBytes)
    expect((await postJson(viewer, '/v1/logs', full)).status).toBe(200)
    expect((await postJson(viewer, '/v1/logs', `${full} `)).status).toBe(413)
  })
})

describe('refused, with a google.rpc.Status in the encoding of the request', () => {
  it.each([
    { what: 'truncated message', bytes: body.subarray(0, body.length - 2) },
    { what: 'invalid UTF-8', bytes: Uint8Array.from(body, (byte) => (byte === 0x68 ? 0xff : byte)) },
  ])('400: protobuf, $what', async ({ bytes }) => {
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
    { what: 'not JSON', text: '{"resourceLogs":[' },
    { what: 'not an object', text: '[]' },
    { what: 'a field of another type', text: '{"resourceLogs":{}}' },
    { what: 'an id that is not hex', text: JSON.stringify(oneLog({ traceId: 'S/kvNXezTaajzpKdDg5HNg==' })) },
    {
      what: 'an integer out of range',
      text: JSON.stringify(oneLog({ body: { intValue: '9223372036854775808' } })),
    },
    { what: 'nested too deep', text: `{"resourceLogs":${'['.repeat(40_000)}` },
  ])('400: JSON, $what', async ({ text }) => {
    const response = await postJson(viewer, '/v1/logs', text)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ code: 3, message: expect.stringMatching(/.+/) })
  })

  it('400: a value nested beyond any use', async () => {
    let any: object = {}
    for (let depth = 0; depth < 600; depth++) any = { arrayValue: { values: [any] } }
    expect((await postJson(viewer, '/v1/logs', oneLog({ body: any }))).status).toBe(400)
  })

  it('400: a body that is not what its content encoding says', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(400)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain('gzip')
  })

  it('404: an unknown path', async () => {
    const response = await postJson(viewer, '/v1/profiles', {})
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('/v1/logs, /v1/traces, /v1/metrics')
  })

  it('405: a method other than POST', async () => {
    const response = await fetch(`${viewer.httpUrl}/v1/logs`)
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it.each(['text/plain', 'application/grpc', ''])('415: content type "%s"', async (type) => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-type': type })
    expect(response.status).toBe(415)
    expect(await response.text()).toContain('application/x-protobuf')
  })

  it('415: an unknown content encoding', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', body, { 'content-encoding': 'snappy' })
    expect(response.status).toBe(415)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain('gzip, deflate, br, zstd')
  })

  it('413: a body far over the limit, whose sender is still busy sending', async () => {
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(20_000_000))
    expect(response.status).toBe(413)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain(String(maxMessageBytes))
  })

  it('413: a body without a length, over the limit', async () => {
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
  ])('413: a small $encoding body that expands over the limit', async ({ encoding, bomb }) => {
    expect(bomb.length).toBeLessThan(maxMessageBytes)
    const response = await postProtobuf(viewer, '/v1/logs', new Uint8Array(bomb), {
      'content-encoding': encoding,
    })
    expect(response.status).toBe(413)
    expect(decodeStatus(await response.arrayBuffer()).message).toContain(String(maxMessageBytes))
  })
})

it('goes on when a sender breaks off in the middle of a body', async () => {
  const socket = connect(viewer.httpPort, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(
    'POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
  )
  socket.resetAndDestroy()
  await once(socket, 'close')
  expect((await postJson(viewer, '/v1/logs', {})).status).toBe(200)
})
