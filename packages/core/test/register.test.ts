import { createBridge } from '@logbridge/bridge'
import { context, type LoggerProvider, logs, type LogRecord, trace } from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, expect, test } from 'vitest'
import { startTelemetry } from '../src/index.ts'
import { registerLoggerProvider } from '../src/register.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

const warnings = capturedWarnings()

afterEach(() => {
  logs.disable()
  logs2x.disable()
})

function inMemory(): LoggerProvider & { records: LogRecord[] } {
  const records: LogRecord[] = []
  return {
    records,
    getLogger: () => ({ emit: (record) => void records.push(record), enabled: () => true }),
  }
}

const adapter = {
  library: 'test',
  classify: () => ({ severityNumber: 9 as const }),
  convert: (body: string) => ({ body }),
}

test('registerLoggerProvider serves both generations of the Logs API when loggers were created before or after', () => {
  const early = logs.getLogger('early')
  const early2x = logs2x.getLogger('early')
  const provider = inMemory()
  const unregister = registerLoggerProvider(provider)
  for (const logger of [early, early2x, logs.getLogger('late'), logs2x.getLogger('late')]) {
    logger.emit({ body: 'registered' })
  }
  expect(provider.records).toHaveLength(4)
  unregister()
  logs.getLogger('after').emit({ body: 'unregistered' })
  logs2x.getLogger('after').emit({ body: 'unregistered' })
  expect(provider.records).toHaveLength(4)
  expect(warnings).toEqual([])
})

test('registerLoggerProvider replays records when they were logged before', () => {
  createBridge(adapter).emit('before')
  const provider = inMemory()
  registerLoggerProvider(provider)
  expect(provider.records.map(({ body }) => body)).toEqual(['before'])
})

test('registerLoggerProvider keeps another LoggerProvider when one is already registered in @opentelemetry/api', () => {
  const foreign = inMemory()
  const own = inMemory()
  logs.setGlobalLoggerProvider(foreign)
  const unregister = registerLoggerProvider(own)
  logs.getLogger('x').emit({ body: 'foreign' })
  logs2x.getLogger('x').emit({ body: 'own' })
  expect(foreign.records.map(({ body }) => body)).toEqual(['foreign'])
  expect(own.records.map(({ body }) => body)).toEqual(['own'])
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toMatch(/another LoggerProvider .* registered in @opentelemetry\/api and/)
  unregister()
  expect(logs.getLoggerProvider()).toBe(foreign)
})

test('registerLoggerProvider keeps another LoggerProvider when one is already registered in @opentelemetry/api-logs', () => {
  const foreign = inMemory()
  logs2x.setGlobalLoggerProvider(foreign)
  registerLoggerProvider(inMemory())()
  expect(warnings[0]).toMatch(/registered in @opentelemetry\/api-logs and/)
  expect(logs2x.getLoggerProvider()).toBe(foreign)
})

test('registerLoggerProvider returns a function that keeps the next LoggerProvider when another is registered meanwhile', () => {
  const unregister = registerLoggerProvider(inMemory())
  logs.disable()
  const next = inMemory()
  logs.setGlobalLoggerProvider(next)
  unregister()
  expect(logs.getLoggerProvider()).toBe(next)
})

test('startTelemetry says in one line which of two SDKs to leave out when another SDK has started', async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  trace.setGlobalTracerProvider(new TracerProvider())
  logs.setGlobalLoggerProvider(inMemory())
  const telemetry = startTelemetry()
  expect(warnings).toEqual([
    'another OpenTelemetry SDK (or another version of @opentelemetry/api) has registered ContextManager, TracerProvider, ' +
      'LoggerProvider before startTelemetry(), and stays: run one of the two. Call startTelemetry() instead of the other ' +
      'SDK, or leave out startTelemetry() and give that SDK (NodeSDK 3.x) the option logRecordProcessors: ' +
      '[new OtlpLogRecordProcessor()]',
  ])
  await telemetry.shutdown()
  context.disable()
  trace.disable()
})
