import { beforeEach, expect, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { type Unsent, withLongWaitNoted } from '../../src/process/longWait.ts'
import { adviceFor, type Receiver, watchReceiver } from '../../src/process/outages.ts'

const warnings = capturedWarnings()
let time = 1000
let endpoint: string
let tests = 0
beforeEach(() => {
  endpoint = `http://receiver-${++tests}:4317`
  vi.spyOn(performance, 'now').mockImplementation(() => time)
})

function watch(unit: Unsent['unit'] = 'log record', count = 0): Receiver {
  return watchReceiver(endpoint, () => ({ unit, count, endpoint }))
}

const ADVICE = '(for another receiver set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT)'

test('watchReceiver reports an outage and its end with one line each when all signals fail', () => {
  const signals = [watch('log record', 340), watch('span', 1), watch('batch of metrics')]
  for (const receiver of signals) receiver.onFailure({ reason: 'ECONNREFUSED' }, time - 500)
  for (const receiver of signals) receiver.onFailure({ reason: 'ECONNREFUSED' }, time - 500)
  expect(warnings).toEqual([`export to ${endpoint} failed, retrying with backoff ${ADVICE}: ECONNREFUSED`])
  time += 11_500
  for (const receiver of signals) receiver.onDelivered()
  for (const receiver of signals) receiver.onDelivered()
  expect(warnings.slice(1)).toEqual([
    `export to ${endpoint} succeeds again after 12 s, sending 340 log records and 1 span`,
  ])
})

test.each([
  [
    'https://localhost',
    'set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT with a port, which is 4317 for gRPC and 4318 for HTTP by default',
  ],
  [
    'http://[::1]',
    'set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT with a port, which is 4317 for gRPC and 4318 for HTTP by default',
  ],
  [
    'http://[::1]:4317',
    'start a receiver, e.g. npx @logbridge/viewer; for another one set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT',
  ],
  ['http://c:4317', 'for another receiver set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['unix:/run/otel.sock', 'for another receiver set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT'],
  ['/var/log/logs.jsonl', 'check its folder, the permissions, and the free space'],
  ['stdout', 'check the program that reads it, or the free space of its file'],
])('adviceFor says what to set or to check when the endpoint is %s', (url, advice) => {
  expect(adviceFor(url)).toBe(advice)
})

test('watchReceiver names the setting to change when the failure shows a wrong one', () => {
  const receiver = watch()
  receiver.onFailure({ reason: 'Protocol error', advice: 'set the option protocol' }, time)
  expect(warnings).toEqual([
    `export to ${endpoint} failed, retrying with backoff (set the option protocol): Protocol error`,
  ])
})

test('watchReceiver reports no end of an outage when a signal still fails or no outage was reported', () => {
  const [logs, traces] = [watch('log record', 1), watch('span', 1)]
  logs.onDelivered()
  expect(warnings).toEqual([])
  logs.onFailure({ reason: 'ECONNREFUSED' }, time)
  traces.onFailure({ reason: 'ECONNREFUSED' }, time)
  traces.onDelivered()
  expect(warnings).toHaveLength(1)
})

test('watchReceiver reports a second outage when it lasts until 10 s after the first report', () => {
  const receiver = watch('log record', 2)
  receiver.onFailure({ reason: 'ECONNREFUSED' }, time)
  receiver.onDelivered()
  expect(warnings).toHaveLength(2)
  for (let second = 0; second < 9; second += 1) {
    time += 1000
    receiver.onFailure({ reason: 'ECONNRESET' }, time)
    receiver.onDelivered()
  }
  receiver.onFailure({ reason: 'ECONNRESET' }, time)
  expect(warnings).toHaveLength(2)
  time += 1000
  receiver.onFailure({ reason: 'ECONNRESET' }, time)
  expect(warnings.slice(2)).toEqual([
    expect.stringMatching(/^export to .* failed, retrying with backoff .*: ECONNRESET$/),
  ])
  time += 180_000
  receiver.onDelivered()
  expect(warnings.slice(3)).toEqual([
    `export to ${endpoint} succeeds again after 3 min, sending 2 log records`,
  ])
})

test('watchReceiver names the viewer when the endpoint is of this machine', () => {
  endpoint = `http://localhost:${++tests}`
  watch().onFailure({ reason: 'ECONNREFUSED' }, time)
  expect(warnings).toEqual([
    `export to ${endpoint} failed, retrying with backoff (start a receiver, e.g. npx @logbridge/viewer; for another one set ` +
      'the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT): ECONNREFUSED',
  ])
})

test.each([
  ['tells what the wait drops', () => {}, 'dropping 3 log records unless an export succeeds within 3 s'],
  ['tells of no loss when a spool keeps the records', undefined, 'retrying with backoff'],
] as const)('watchReceiver %s when an outage begins during a wait', async (_, announceLoss, state) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const unsent = { unit: 'log record', count: 3, endpoint, ...(announceLoss && { announceLoss }) } as const
  const ended = withLongWaitNoted(promise, () => [unsent, undefined], 3000)
  const receiver = watch()
  receiver.onFailure({ reason: 'ECONNREFUSED' }, time)
  expect(warnings).toEqual([`export to ${endpoint} failed, ${state} ${ADVICE}: ECONNREFUSED`])
  expect(receiver.isLossReported).toBe(announceLoss !== undefined)
  resolve()
  await ended
})
