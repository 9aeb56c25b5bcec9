import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { partialSuccess, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { onTestFinished, expect, test } from 'vitest'
import { createForwarder, type Forwarder, LogbridgeError } from '../src/index.ts'
import { run } from './programs.ts'

const warnings = capturedWarnings()
const LOGS = {
  resourceLogs: [{ schemaUrl: 'https://a/1', scopeLogs: [{ logRecords: [{ severityNumber: 17 }, {}] }] }],
}
const TRACES = { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }] }] }
const METRICS = {
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'm', sum: { dataPoints: [{ asInt: '1' }] } }] }] }],
}
const NONE = { delivered: 0, queued: 0, inFlight: 0, dropped: {} }

function forwarderOf(options: Parameters<typeof createForwarder>[0]): Forwarder {
  const forwarder = createForwarder({ register: false, ...options })
  onTestFinished(() => forwarder.shutdown(0))
  return forwarder
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'logbridge-forwarder-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Starts a receiver that answers each request with a status. */
async function startReceiver(status: number, requests: string[] = []): Promise<string> {
  const server = createServer((request, response) => {
    requests.push(request.url!)
    request.resume().on('end', () => response.writeHead(status).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => server.close().closeAllConnections())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('Forwarder writes one file for each signal when the option file is given', async () => {
  const folder = temporaryFolder()
  const forwarder = forwarderOf({ file: { path: join(folder, 'logs.jsonl') } })
  for (const [signal, json] of [
    ['logs', LOGS],
    ['traces', TRACES],
    ['metrics', METRICS],
  ] as const)
    expect(forwarder.forward(signal, json)).toBe(true)
  await forwarder.shutdown()
  const lines = readdirSync(folder).map((name) => [
    name,
    readFileSync(join(folder, name), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ])
  expect(Object.fromEntries(lines)).toEqual({
    'logs.jsonl': [LOGS],
    'logs.traces.jsonl': [TRACES],
    'logs.metrics.jsonl': [METRICS],
  })
  expect(forwarder.stats()).toMatchObject({
    logs: { ...NONE, created: 2, delivered: 2 },
    traces: { ...NONE, created: 3, delivered: 3 },
    metrics: { ...NONE, created: 1, delivered: 1 },
  })
})

test('Forwarder counts and reports the parts of each signal by their names when the receiver refuses them', async () => {
  const forwarder = forwarderOf({
    endpoint: await startReceiver(400),
    protocol: 'http/protobuf',
    scheduledDelayMillis: 20,
  })
  forwarder.forward('traces', TRACES)
  forwarder.forward('metrics', METRICS)
  expect(await forwarder.acknowledged()).toBe(true)
  expect(forwarder.stats()).toMatchObject({ traces: { queued: 0, inFlight: 0 }, metrics: { queued: 0 } })
  await forwarder.shutdown()
  expect(forwarder.stats()).toMatchObject({
    logs: { ...NONE, created: 0 },
    traces: { ...NONE, created: 3, dropped: { export_failed: 3 } },
    metrics: { ...NONE, created: 1, dropped: { export_failed: 1 } },
  })
  expect(warnings.toSorted().map((line) => line.replace(/:.*/s, ''))).toEqual([
    'dropped 1 metric',
    'dropped 3 spans',
    'dropped metrics, refused by the receiver',
    'dropped spans, refused by the receiver',
  ])
})

test('Forwarder joins the requests of each signal to batches of maxExportBatchSize, and holds less than that', async () => {
  const requests: string[] = []
  const endpoint = await startReceiver(200, requests)
  const forwarder = forwarderOf({ endpoint, protocol: 'http/protobuf', maxExportBatchSize: 30 })
  for (let index = 0; index < 25; index += 1) forwarder.forward('traces', TRACES)
  forwarder.forward('logs', LOGS)
  expect(forwarder.stats()).toMatchObject({ logs: { queued: 2 }, traces: { created: 75 } })
  expect(forwarder.stats().logs.bytes).toBeGreaterThan(0)
  await forwarder.forceFlush()
  expect(requests.toSorted()).toEqual(['/v1/logs', '/v1/traces', '/v1/traces', '/v1/traces'])
  expect(forwarder.stats()).toMatchObject({
    logs: { ...NONE, delivered: 2, bytes: 0 },
    traces: { ...NONE, delivered: 75, bytes: 0 },
  })
})

test('Forwarder reports what all signals lose in one line when the process ends', async () => {
  const { stderr } = await run(`
    import { createForwarder } from '@logbridge/core'
    const forwarder = createForwarder({ endpoint: 'http://127.0.0.1:1', register: false })
    forwarder.forward('logs', ${JSON.stringify(LOGS)})
    forwarder.forward('traces', ${JSON.stringify(TRACES)})
    forwarder.forward('metrics', ${JSON.stringify(METRICS)})
    process.exit()`)
  expect(stderr.match(/.+/g)).toEqual([
    expect.stringMatching(
      /^logbridge: not sent when the process ended: 2 log records, 3 spans and 1 metric\./,
    ),
  ])
})

test('Forwarder sends what all signals have when a process has nothing left to do', async () => {
  const requests: string[] = []
  const endpoint = await startReceiver(200, requests)
  const { stderr } = await run(`
    import { createForwarder } from '@logbridge/core'
    const forwarder = createForwarder({ endpoint: '${endpoint}', protocol: 'http/protobuf', register: false })
    forwarder.forward('traces', ${JSON.stringify(TRACES)})
    forwarder.forward('metrics', ${JSON.stringify(METRICS)})`)
  expect([stderr, requests.toSorted()]).toEqual(['', ['/v1/metrics', '/v1/traces']])
})

test('Forwarder counts requests as already_shutdown when they come after its shutdown', async () => {
  const forwarder = forwarderOf({ endpoint: await startReceiver(200), protocol: 'http/protobuf' })
  forwarder.forward('traces', TRACES)
  await forwarder.shutdown()
  forwarder.forward('traces', TRACES)
  forwarder.forward('logs', LOGS)
  expect(forwarder.stats()).toMatchObject({
    logs: { ...NONE, created: 2, dropped: { already_shutdown: 2 } },
    traces: { ...NONE, created: 6, delivered: 3, dropped: { already_shutdown: 3 } },
  })
  warnings.length = 0
})

test('Forwarder refuses a signal when its variable names no otlp, and no file is given', () => {
  process.env['OTEL_METRICS_EXPORTER'] = 'none'
  onTestFinished(() => void delete process.env['OTEL_METRICS_EXPORTER'])
  const refusing = forwarderOf({ endpoint: 'http://127.0.0.1:1' })
  expect(refusing.forward('metrics', METRICS)).toBe(false)
  expect(refusing.stats().metrics.created).toBe(0)
  const writing = forwarderOf({ file: { path: join(temporaryFolder(), 'f') } })
  expect(writing.forward('metrics', METRICS)).toBe(true)
})

test('Forwarder counts each rejected data point as a metric when the receiver rejects a part of a request', async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = () => ({ body: partialSuccess(2n, 'too old') })
  const forwarder = forwarderOf({ endpoint: receiver.url, protocol: 'http/protobuf' })
  forwarder.forward('metrics', METRICS)
  await forwarder.shutdown()
  expect(forwarder.stats().metrics).toMatchObject({ ...NONE, created: 1, rejected: 1 })
  expect(warnings).toEqual([`the receiver rejected 2 data points: too old (from ${receiver.url}/v1/metrics)`])
})

test('Forwarder names metrics when an exit flush waits for them', { tags: 'long' }, async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = () => ({ fault: 'silent' })
  const { stderr } = await run(`
    import { createForwarder } from '@logbridge/core'
    const forwarder = createForwarder({ endpoint: '${receiver.url}', protocol: 'http/protobuf', register: false, flushOnExit: true })
    forwarder.forward('metrics', ${JSON.stringify(METRICS)})
    process.exit()`)
  expect(stderr).toContain(`still waiting for 1 metric to be sent to ${receiver.url}, at most 2 s`)
})

test('Forwarder throws MALFORMED_REQUEST and counts nothing when a field is malformed', () => {
  const forwarder = forwarderOf({ endpoint: 'http://127.0.0.1:1' })
  const malformed = (): unknown => forwarder.forward('traces', { resourceSpans: [{ scopeSpans: {} }] })
  expect(malformed).toThrow(LogbridgeError)
  expect(malformed).toThrow('resourceSpans[0].scopeSpans must be an array, not an object')
  expect(() => forwarder.check('traces', { resourceSpans: {} })).toThrow('resourceSpans must be an array')
  forwarder.check('traces', { resourceSpans: [{ scopeSpans: [{ spans: [{ name: 's' }] }] }] })
  expect(forwarder.stats().traces.created).toBe(0)
})
