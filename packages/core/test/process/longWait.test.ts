import { timers } from '@logbridge/bridge/internal'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import {
  type HttpAnswer,
  type ScriptedReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { createLoggerProvider, OtlpLogRecordProcessor, startTelemetry } from '../../src/index.ts'
import { shownEndpoint, withReceiver } from '../../src/process/longWait.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

const warnings = capturedWarnings()
let receiver: ScriptedReceiver<HttpAnswer>
beforeEach(async () => {
  receiver = await startHttpReceiver()
  receiver.answer = () => ({ fault: 'silent' })
  useFakeTimers(timers)
})
afterEach(async () => {
  vi.useRealTimers()
  await receiver.close()
})

/** Waits for requests without advancing the fake clock. */
async function arrived(count: number): Promise<void> {
  while (receiver.requests.length < count) await vi.advanceTimersByTimeAsync(0)
}

/** Checks that a wait ends at the default deadline and is reported after a second. */
async function expectWait(ended: Promise<unknown>, line: string): Promise<void> {
  let over = false
  void ended.then(() => (over = true))
  await vi.advanceTimersByTimeAsync(900)
  expect(warnings).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  expect(warnings).toEqual([line])
  await vi.advanceTimersByTimeAsync(1800)
  expect(over).toBe(false)
  await vi.advanceTimersByTimeAsync(300)
  await ended
  expect(warnings.filter((text) => text === line)).toHaveLength(1)
}

const RECORD = { severityNumber: 9, body: 'hello' }

test('Telemetry.shutdown waits 3 s and reports the wait after 1 s when the receiver never answers', async () => {
  const endpoint = receiver.url.replace('//', '//user:hunter2@')
  const telemetry = startTelemetry({ endpoint: `${endpoint}/?key=hunter2`, metrics: false })
  telemetry.tracerProvider.getTracer('t').startSpan('work').end()
  for (let n = 0; n < 12; n += 1) telemetry.loggerProvider.getLogger('l').emit(RECORD)
  const ended = telemetry.shutdown()
  await arrived(2)
  await expectWait(
    ended,
    `still waiting for 12 log records and 1 span to be sent to ${receiver.url}, at most 3 s`,
  )
})

test('LogbridgeLoggerProvider.shutdown waits 3 s and reports the wait after 1 s when the receiver never answers', async () => {
  const provider = createLoggerProvider({
    endpoint: receiver.url,
    protocol: 'http/protobuf',
    register: false,
  })
  provider.getLogger('l').emit(RECORD)
  const ended = provider.shutdown()
  await arrived(1)
  await expectWait(ended, `still waiting for 1 log record to be sent to ${receiver.url}, at most 3 s`)
})

test('OtlpLogRecordProcessor.shutdown waits 3 s and reports the wait after 1 s when the receiver never answers', async () => {
  const processor = new OtlpLogRecordProcessor({ endpoint: receiver.url, protocol: 'http/protobuf' })
  processor.onEmit({
    ...RECORD,
    hrTime: [1, 0],
    hrTimeObserved: [1, 0],
    instrumentationScope: { name: 'l' },
    resource: { attributes: {} },
  } as never)
  const ended = processor.shutdown()
  await arrived(1)
  await expectWait(ended, `still waiting for 1 log record to be sent to ${receiver.url}, at most 3 s`)
})

test('shutdown reports that it waits for processors when no record is unsent', async () => {
  const never = new Promise<void>(() => {})
  const processor = { onEmit() {}, forceFlush: () => never, shutdown: () => never }
  const provider = createLoggerProvider({ endpoint: receiver.url, register: false, processors: [processor] })
  await expectWait(
    provider.shutdown(),
    'still waiting for processors and readers of the application, at most 3 s',
  )
})

test.each([
  ['http://user:hunter2@host:4318/key?token=hunter2#hunter2', 'http://host:4318'],
  ['https://[::1]:4317', 'https://[::1]:4317'],
  ['http://host?a=b@c', 'http://host'],
  ['dns:///name:4317', 'dns:///name:4317'],
  ['dns://8.8.8.8/name:4317', 'dns://8.8.8.8/name:4317'],
  ['unix:/run/otel.sock', 'unix:/run/otel.sock'],
])('shownEndpoint returns no secrets when the endpoint is %s', (url, shown) => {
  expect(shownEndpoint(url)).toBe(shown)
})

test.each([
  [
    'http://user:hunter2@c:4318/v1/logs',
    404,
    'HTTP (from http://c:4318/v1/logs; set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT)',
  ],
  [
    'https://c/hunter2/v1/traces',
    401,
    'HTTP (from https://c/…/v1/traces; set the option headers or OTEL_EXPORTER_OTLP_HEADERS)',
  ],
  ['https://c/hunter2?key=hunter2', 400, 'HTTP (from https://c/…)'],
  ['http://c:4317', 16, 'HTTP (from http://c:4317; set the option headers or OTEL_EXPORTER_OTLP_HEADERS)'],
  ['dns:///c:4317', 12, 'HTTP (from dns:///c:4317; set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT)'],
])('withReceiver names the receiver without credentials when it is %s', (url, status, reason) => {
  expect(withReceiver({ kind: 'failed', reason: 'HTTP', status }, url)).toEqual({
    kind: 'failed',
    reason,
    status,
  })
  const other = { kind: 'retryable', reason: 'HTTP' }
  expect(withReceiver(other, url)).toBe(other)
})
