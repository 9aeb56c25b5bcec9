import { metrics, context, logs, propagation, trace } from '@opentelemetry/api'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import { OtlpLogRecordProcessor } from '@logbridge/core'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import { type ReceivedLogRecord, startViewer, type Viewer } from '@logbridge/viewer'
import * as winston from '@logbridge/winston'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node'
import { BatchLogRecordProcessor, type LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { onEmit } from '@logbridge/test-support/officialSdk'
import { createSubjects } from '../subjects.ts'

const subjects = createSubjects({ winston, pino, bunyan, log4js, console })

let viewer: Viewer
let sdk: NodeSDK | undefined
let records: ReceivedLogRecord[]

beforeEach(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  records = []
  viewer.on('logs', (received) => records.push(...received))
})
afterEach(async () => {
  await viewer.close()
  for (const api of [logs, trace, metrics, context, propagation]) api.disable()
})

function startSdk(logRecordProcessors: LogRecordProcessor[]): NodeSDK {
  const spanProcessors = [new SimpleSpanProcessor({ exporter: new InMemorySpanExporter() })]
  const options: Partial<NodeSDKConfiguration> = { serviceName: 'shop', metricReaders: [] }
  sdk = new NodeSDK({ ...options, logRecordProcessors, spanProcessors })
  sdk.start()
  return sdk
}

describe.each(subjects)('OtlpLogRecordProcessor in a NodeSDK, $library', ({ create, levels }) => {
  const info = Object.keys(levels).find((level) => levels[level] === 9)!

  test('sends records with resource and span of the SDK', async () => {
    const started = startSdk([new OtlpLogRecordProcessor({ endpoint: viewer.grpcUrl })])
    const logger = await create({})
    const span = trace.getTracer('shop').startSpan('order')
    await context.with(trace.setSpan(context.active(), span), async () => {
      await Promise.resolve()
      logger.log(info, 'hello', { nested: { at: new Date(0), list: [1, null] } })
    })
    span.end()
    await started.shutdown()
    await logger.close()
    expect(records).toHaveLength(1)
    const { traceId, spanId, traceFlags: flags } = span.spanContext()
    expect(records[0]).toMatchObject({ body: 'hello', severityNumber: 9, traceId, spanId, flags })
    expect(records[0]!.attributes).toMatchObject({
      nested: { at: '1970-01-01T00:00:00.000Z', list: [1, null] },
    })
    expect(records[0]!.resource.attributes).toMatchObject({ 'service.name': 'shop' })
  })

  test('sends the changes of earlier processors, and later processors get every record', async () => {
    const severities: unknown[] = []
    const protobuf = new OTLPLogExporter({ url: `${viewer.httpUrl}/v1/logs` })
    const started = startSdk([
      onEmit((record) => record.setAttribute('step', 'earlier').setBody('changed')) as LogRecordProcessor,
      new OtlpLogRecordProcessor({ endpoint: viewer.grpcUrl, minimumSeverity: 9 }),
      onEmit((record) => record.setAttribute('step', 'later')) as LogRecordProcessor,
      new BatchLogRecordProcessor({ exporter: protobuf }),
      onEmit(({ severityNumber }) => severities.push(severityNumber)) as LogRecordProcessor,
    ])
    const logger = await create({})
    const debug = Object.keys(levels).find((level) => levels[level] === 5)!
    logger.log(info, 'hello', { user: 'ada' })
    logger.log(debug, 'hello', { user: 'eve' })
    await started.shutdown()
    await logger.close()
    expect(severities).toEqual([9, 5])
    const sent = records.map(({ severityNumber, body, attributes: { user, step } }) => [
      severityNumber,
      body,
      user,
      step,
    ])
    expect(sent).toHaveLength(3)
    expect(sent).toEqual(
      expect.arrayContaining([
        [9, 'changed', 'ada', 'earlier'],
        [9, 'changed', 'ada', 'later'],
        [5, 'changed', 'eve', 'later'],
      ]),
    )
  })
})
