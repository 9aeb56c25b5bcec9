import { createBridge } from '@logbridge/bridge'
import { type LoggerProvider, logs, type LogRecord } from '@opentelemetry/api'
import { logs as logs2x } from '@opentelemetry/api-logs'
import { afterEach, expect, test } from 'vitest'
import { registerLoggerProvider } from '../src/register.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'

const made = capturedWarnings()

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
  severity: () => 9 as const,
  convert: (body: string) => ({ body }),
}

test('libraries of both generations are heard, those that asked before too', () => {
  const early = logs.getLogger('early')
  const early2x = logs2x.getLogger('early')
  const provider = inMemory()
  const unregister = registerLoggerProvider(provider)
  for (const logger of [early, early2x, logs.getLogger('late'), logs2x.getLogger('late')]) {
    logger.emit({ body: 'heard' })
  }
  expect(provider.records).toHaveLength(4)
  unregister()
  logs.getLogger('after').emit({ body: 'not heard' })
  logs2x.getLogger('after').emit({ body: 'not heard' })
  expect(provider.records).toHaveLength(4)
  expect(made).toEqual([])
})

test('records logged before are handed over', () => {
  createBridge(adapter).emit('before')
  const provider = inMemory()
  registerLoggerProvider(provider)
  expect(provider.records.map(({ body }) => body)).toEqual(['before'])
})

test('a provider that is already registered stays, and stays when ours goes', () => {
  const foreign = inMemory()
  const own = inMemory()
  logs.setGlobalLoggerProvider(foreign)
  const unregister = registerLoggerProvider(own)
  logs.getLogger('x').emit({ body: 'foreign' })
  logs2x.getLogger('x').emit({ body: 'own' })
  expect(foreign.records.map(({ body }) => body)).toEqual(['foreign'])
  expect(own.records.map(({ body }) => body)).toEqual(['own'])
  expect(made).toHaveLength(1)
  expect(made[0]).toMatch(/another LoggerProvider .* registered with @opentelemetry\/api and/)
  unregister()
  expect(logs.getLoggerProvider()).toBe(foreign)
})

test('the same with the older generation', () => {
  const foreign = inMemory()
  logs2x.setGlobalLoggerProvider(foreign)
  registerLoggerProvider(inMemory())()
  expect(made[0]).toMatch(/registered with @opentelemetry\/api-logs and/)
  expect(logs2x.getLoggerProvider()).toBe(foreign)
})

test('unregistering late leaves alone what has come in its place', () => {
  const unregister = registerLoggerProvider(inMemory())
  logs.disable()
  const next = inMemory()
  logs.setGlobalLoggerProvider(next)
  unregister()
  expect(logs.getLoggerProvider()).toBe(next)
})
