import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { partialSuccess, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { metrics, trace } from '@opentelemetry/api'
import { expect, onTestFinished, test } from 'vitest'
import { startTelemetry } from '../../src/index.ts'

const warnings = capturedWarnings()

test.each([
  ['traces', 1n, '1 span'],
  ['metrics', 2n, '2 data points'],
] as const)('OtlpExporter of %s names what the receiver has rejected', async (signal, rejected, named) => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  receiver.answer = () => ({ body: partialSuccess(rejected, 'too old') })
  const telemetry = startTelemetry({
    endpoint: receiver.url,
    protocol: 'http/protobuf',
    traces: signal === 'traces' && {},
    metrics: signal === 'metrics' && {},
  })
  trace.getTracer('t').startSpan('work').end()
  metrics.getMeter('m').createCounter('jobs').add(1)
  await telemetry.shutdown()
  expect(warnings).toEqual([`the receiver rejected ${named}: too old (from ${receiver.url}/v1/${signal})`])
})

test.each([
  ['sends the others', 200, []],
  ['loses the others', 503, ['dropped 6 spans: shutdown_timeout']],
])(
  'OtlpExporter names no spans that BatchSpanProcessor has dropped when its queue was full and it %s',
  async (_, status, lines) => {
    const receiver = await startHttpReceiver()
    onTestFinished(() => receiver.close())
    receiver.answer = () => ({ status })
    const telemetry = startTelemetry({
      endpoint: receiver.url,
      protocol: 'http/protobuf',
      metrics: false,
      traces: { maxQueueSize: 4, maxExportBatchSize: 2 },
    })
    // The SDK passes on a batch of two spans, then holds four.
    for (let n = 0; n < 20; n += 1) trace.getTracer('t').startSpan('work').end()
    await telemetry.shutdown(status === 200 ? 10_000 : 1)
    expect(warnings).toEqual(lines)
  },
)
