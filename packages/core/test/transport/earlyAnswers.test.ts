import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { startEarlyGrpc, startEarlyHttp } from '@logbridge/test-support/earlyReceivers'
import { expect, onTestFinished, test } from 'vitest'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import { createTransport } from '../../src/transport/createTransport.ts'
import { resolveExitTarget } from '../../src/transport/exitFlush/exitTarget.ts'
import { createGrpcSend } from '../../src/transport/exitFlush/sendByGrpc.ts'
import { createHttpSend } from '../../src/transport/exitFlush/sendByHttp.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { createOtlpExporter } from '../../src/signals/exporter.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { clientSockets } from './clientSockets.ts'
import { exporterConfig, never } from './exporterConfig.ts'

// Receivers may answer before they have read a request. https://www.rfc-editor.org/rfc/rfc9110#section-7.5

const warnings = capturedWarnings()
/** More than the kernel's buffers hold. */
const REQUEST_BYTES = 24 * 1024 * 1024

const protocols = [
  ['grpc', startEarlyGrpc, 5],
  ['http/protobuf', startEarlyHttp, 0],
] as const

function connect(protocol: 'grpc' | 'http/protobuf', url: string, timeoutMillis: number): Transport {
  const exporter = exporterConfig(url, { protocol, timeoutMillis })
  const transport = createTransport({ exporter, exportTimeoutMillis: timeoutMillis })
  onTestFinished(() => transport.close())
  return transport
}

/** Reads the body of a request, some of it in each turn of the event loop. */
async function readSlowly(request: Readable, bytes: number, onHalf = (): void => {}): Promise<Buffer> {
  const chunks: Buffer[] = []
  let isHalf = false
  for (let size = 0; size < bytes;) {
    if (size > bytes / 2 && !isHalf) {
      isHalf = true
      onHalf()
    }
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
  'createTransport over %s sends a request to its end before its memory is used again when the answer comes first',
  async ([protocol, start, frameBytes]) => {
    const receiver = await start()
    const request = Buffer.alloc(REQUEST_BYTES, 'record ')
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
  'createTransport over %s ends requests at the deadline, one after another, when they are answered and never read',
  async ([protocol, start]) => {
    const receiver = await start()
    const transport = connect(protocol, receiver.url, 1000)
    for (let n = 1; n <= 3; n += 1) {
      const sent = transport.send(Buffer.alloc(REQUEST_BYTES), never)
      const request = await receiver.next()
      expect(receiver.open).toBe(1)
      const closed = new Promise((resolve) => request.once('close', resolve))
      expect(await sent).toMatchObject({ kind: 'delivered', stillRead: true })
      request.on('error', () => {}).resume()
      await closed
    }
    expect(warnings).toEqual([expect.stringContaining('without reading it to the end')])
  },
)

test.for(protocols)(
  'createTransport over %s has four sockets at most when requests are answered and never read',
  async ([protocol, start]) => {
    const open = clientSockets()
    const receiver = await start()
    const transport = connect(protocol, receiver.url, 100)
    const request = Buffer.alloc(REQUEST_BYTES)
    let most = 0
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        for (let n = 0; n < 5; n += 1) {
          await transport.send(request, never)
          most = Math.max(most, open.size)
        }
      }),
    )
    expect(most).toBeLessThanOrEqual(4)
  },
)

test.for(protocols)(
  'createTransport over %s ends sending when the request is refused first',
  async ([protocol, start]) => {
    const receiver = await start('too large')
    const sent = connect(protocol, receiver.url, 60_000).send(Buffer.alloc(REQUEST_BYTES), never)
    const request = await receiver.next()
    const closed = new Promise((resolve) => request.once('close', resolve))
    expect(await sent).toMatchObject({ kind: 'too_large' })
    let read = 0
    request
      .on('error', () => {})
      .on('data', (chunk: Buffer) => (read += chunk.length))
      .resume()
    await closed
    expect(read).toBeLessThan(REQUEST_BYTES)
  },
)

test.for(
  protocols.flatMap((protocol) =>
    (['traces', 'metrics'] as const).map((signal) => [signal, ...protocol] as const),
  ),
)(
  'shutdown of %s over %s waits until a request is sent to its end when the answer comes first',
  async ([signal, protocol, start, frameBytes]) => {
    const receiver = await start()
    const url = protocol === 'grpc' ? receiver.url : `${receiver.url}/v1/${signal}`
    const content = Buffer.alloc(REQUEST_BYTES, 'item ')
    const exporter = createOtlpExporter(
      signal,
      { exporter: exporterConfig(url, { protocol, timeoutMillis: 60_000 }), exportTimeoutMillis: 60_000 },
      { serializeRequest: () => content, deserializeResponse() {} },
    )
    const result = new Promise<ExportResult>((resolve) => exporter.export([], resolve))
    const request = await receiver.next()
    let isOver = false
    const ended = exporter.shutdown().then(() => (isOver = true))
    const body = await readSlowly(request, REQUEST_BYTES + frameBytes, () => expect(isOver).toBe(false))
    await ended
    expect(await result).toEqual({ code: ExportResultCode.SUCCESS })
    expect(body.subarray(frameBytes).equals(content)).toBe(true)
    expect(warnings).toEqual([])
  },
)

test.for(protocols)(
  'flushOnExit over %s waits until a request is sent to its end when the answer comes first',
  async ([protocol, start, frameBytes]) => {
    const receiver = await start()
    const target = resolveExitTarget(exporterConfig(receiver.url, { protocol }), 'logs')
    const send = protocol === 'grpc' ? createGrpcSend(target) : createHttpSend(target)
    let isOver = false
    const sent = send(Buffer.alloc(REQUEST_BYTES), never).finally(() => (isOver = true))
    const request = await receiver.next()
    await readSlowly(request, REQUEST_BYTES + frameBytes, () => expect(isOver).toBe(false))
    expect(await sent).toMatchObject({ kind: 'delivered' })
  },
)
