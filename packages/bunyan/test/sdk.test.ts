import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import bunyan from 'bunyan'
import { expect, test } from 'vitest'
import { otelStream } from '../src/index.ts'

test('otelStream sends a record with its trace when the provider is that of the official SDK', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  const exporter = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  const log = bunyan.createLogger({ name: 'shop', streams: [otelStream({ loggerProvider })] })
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
  await context.with(trace.setSpanContext(ROOT_CONTEXT, span), async () => {
    await Promise.resolve()
    log.warn({ order: { id: 7, at: new Date(0) }, big: 2n ** 70n }, 'slow')
  })
  await loggerProvider.forceFlush()
  const [record] = exporter.getFinishedLogRecords()
  expect(record).toMatchObject({
    body: 'slow',
    severityNumber: 13,
    severityText: 'warn',
    spanContext: span,
    instrumentationScope: { name: 'shop' },
    attributes: { order: { id: 7, at: '1970-01-01T00:00:00.000Z' }, big: String(2n ** 70n) },
  })
})
