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
