import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import log4js from 'log4js'
import { expect, test } from 'vitest'
import { otelAppender } from '../src/index.ts'

test('appender sends a record with its trace when the provider is that of the official SDK', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  const exporter = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
  log4js.configure({
    appenders: { otel: { type: otelAppender({ loggerProvider }) } },
    categories: { default: { appenders: ['otel'], level: 'info' } },
  })
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
  await context.with(trace.setSpanContext(ROOT_CONTEXT, span), async () => {
    await Promise.resolve()
    log4js.getLogger('shop').warn('slow', { order: { id: 7, at: new Date(0) } })
  })
  await new Promise<void>((resolve) => log4js.shutdown(() => resolve()))
  expect(exporter.getFinishedLogRecords()).toMatchObject([
    {
      body: 'slow',
      severityNumber: 13,
      severityText: 'WARN',
      spanContext: span,
      instrumentationScope: { name: 'shop' },
      attributes: { order: { id: 7, at: '1970-01-01T00:00:00.000Z' } },
    },
  ])
})
