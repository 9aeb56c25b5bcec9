import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import log4js from 'log4js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { traceContext, type TraceFieldNames } from '../src/index.ts'
import { shutdown } from './setUp.ts'

const SPAN = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1 }
const inSpan = (run: () => void): void => context.with(trace.setSpanContext(ROOT_CONTEXT, SPAN), run)

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})
afterAll(() => context.disable())

/** Configures log4js with an appender that keeps lines, and returns the lines. */
function configure(pattern: string, names?: TraceFieldNames): string[] {
  const lines: string[] = []
  const memory: log4js.AppenderModule = {
    configure(config: { layout: log4js.Layout }, layouts) {
      const format = layouts!.layout(config.layout.type, config.layout as never)
      return (event: log4js.LoggingEvent) => void lines.push(format(event))
    },
  }
  const layout: log4js.Layout = { type: 'pattern', pattern, tokens: traceContext(names) }
  log4js.configure({
    appenders: { memory: { type: memory, layout } },
    categories: { default: { appenders: ['memory'], level: 'all' } },
  })
  return lines
}

test('traceContext prints the span of the log call when a pattern has its tokens', async () => {
  const lines = configure('%x{trace_id}/%x{span_id}/%x{trace_flags} %m')
  inSpan(() => log4js.getLogger().info('in a span'))
  log4js.getLogger().info('outside')
  expect(lines).toEqual([`${SPAN.traceId}/${SPAN.spanId}/01 in a span`, '// outside'])
  await shutdown()
})

test('traceContext takes the names of the application when it has any', async () => {
  const lines = configure('%x{traceId} %x{span_id} %m', { traceId: 'traceId' })
  inSpan(() => log4js.getLogger().info('hello'))
  expect(lines).toEqual([`${SPAN.traceId} ${SPAN.spanId} hello`])
  expect(() => traceContext({ spanId: ' ' })).toThrow('@logbridge/log4js: traceContext(): option spanId')
  await shutdown()
})
