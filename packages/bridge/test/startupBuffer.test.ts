import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { context, createContextKey, logs, ROOT_CONTEXT } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { useFakeTimers } from '@logbridge/test-support/fakeTimers'
import { timers } from '../src/timers.ts'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { API_LOGS, type OtelGlobals } from '../src/provider.ts'
import { noteShutdown, replayBufferedRecords } from '../src/startupBuffer.ts'
import { state, withLoggingSuppressed } from '../src/state.ts'
import { adapter } from './adapter.ts'
import { diagMessages } from './diagMessages.ts'
import { memoryProvider } from './memoryProvider.ts'

const warnings = diagMessages()
const initial = structuredClone(state.startupBuffer)

beforeEach(() => {
  clearInterval(state.startupBuffer.timer)
  Object.assign(state.startupBuffer, structuredClone(initial))
})
afterEach(() => {
  logs.disable()
  vi.useRealTimers()
  vi.unstubAllEnvs()
})

describe('records before a provider', () => {
  test('arrive in order when it is registered, without another log call', async () => {
    const bridge = createBridge(adapter)
    bridge.emit({ body: 1, scope: 'a' })
    bridge.emit({ body: 2, scope: 'b' })
    const { promise, resolve } = Promise.withResolvers<void>()
    const provider = memoryProvider({ emit: () => provider.records.length === 2 && resolve() })
    logs.setGlobalLoggerProvider(provider as never)
    await promise
    expect(provider.records.map(({ scope, body }) => [scope, body])).toEqual([['a', 1], ['b', 2]]) // prettier-ignore
    expect(warnings).toEqual([])
  })

  test('arrive first when another record is logged', () => {
    const provider = memoryProvider()
    const bridge = createBridge(adapter)
    bridge.emit({ body: 1 })
    logs.setGlobalLoggerProvider(provider as never)
    bridge.emit({ body: 2 })
    expect(provider.records.map(({ body }) => body)).toEqual([1, 2])
  })

  test('keep their time, context and values when these change', () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager())
    const key = createContextKey('request')
    const bridge = createBridge(adapter)
    const fields = { items: ['a'] }
    vi.setSystemTime(1_700_000_000_000)
    context.with(ROOT_CONTEXT.setValue(key, 7), () =>
      bridge.emit({ attributes: { fields }, timestamp: [5, 6] }),
    )
    fields.items.push('b')
    vi.setSystemTime(1_800_000_000_000)
    const provider = memoryProvider()
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    context.disable()

    const [record] = provider.records
    expect(record).toMatchObject({
      timestamp: [5, 6],
      observedTimestamp: [1_700_000_000, 0],
      attributes: { fields: { items: ['a'] } },
    })
    expect(record?.context?.getValue(key)).toBe(7)
  })

  test('are dropped when `enabled` of the provider returns false', () => {
    const provider = memoryProvider({ enabled: () => false })
    createBridge(adapter).emit({ body: 1 })
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    expect(provider.records).toEqual([])
    expect(state.startupBuffer.records).toEqual([])
  })

  test('arrive once when they are replayed again', () => {
    const provider = memoryProvider()
    createBridge(adapter).emit({ body: 1 })
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    replayBufferedRecords()
    expect(provider.records).toHaveLength(1)
  })

  test('arrive when the provider has thrown on another record', () => {
    const provider = memoryProvider({
      emit() {
        throw new Error('full')
      },
    })
    const bridge = createBridge(adapter)
    bridge.emit({ body: 1 })
    bridge.emit({ body: 2 })
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    expect(provider.records.map(({ body }) => body)).toEqual([1, 2])
    expect(warnings).toEqual(['logbridge: could not send a record of the startup buffer (logged once): full'])
  })

  test('are dropped, counted, and logged when there are more than a thousand', () => {
    const bridge = createBridge(adapter)
    for (let n = 1; n <= 1003; n += 1) bridge.emit({ body: n })
    const provider = memoryProvider()
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    expect(provider.records.map(({ body }) => body)).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1))
    expect(warnings).toEqual([
      expect.stringContaining('dropped 3 log records because the startup buffer was full'),
    ])
  })

  test('are neither classified nor counted when they are suppressed or below the minimum and the buffer is full', () => {
    const full = createBridge(adapter)
    for (let n = 1; n <= 1000; n += 1) full.emit({ body: n })
    const classify = vi.fn(adapter.classify)
    const bridge = createBridge({ ...adapter, classify })
    withLoggingSuppressed(() => bridge.emit({ body: 'suppressed' }))
    expect(classify).not.toHaveBeenCalled()
    createBridge(adapter, {}, 13).emit({ body: 'below', severity: 9 })
    expect(state.startupBuffer.overflow).toBe(0)
    bridge.emit({ body: 'one too many' })
    expect(state.startupBuffer.overflow).toBe(1)
    expect(classify).not.toHaveBeenCalled()
    createBridge(adapter, {}, 13).emit({ body: 'above', severity: 13 })
    expect(state.startupBuffer.overflow).toBe(2)
  })

  test('are skipped, and counted once, when the buffer is full and no severity is needed', () => {
    const bridge = createBridge(adapter)
    expect(bridge.skips()).toBe(false)
    for (let n = 1; n <= 1000; n += 1) bridge.emit({ body: n })
    expect(createBridge(adapter, {}, 13).skips()).toBe(false)
    expect(createBridge(adapter, { loggerProvider: memoryProvider() }).skips()).toBe(false)
    expect(withLoggingSuppressed(() => bridge.skips())).toBe(true)
    expect(state.startupBuffer.overflow).toBe(0)
    expect(bridge.skips()).toBe(true)
    expect(state.startupBuffer.overflow).toBe(1)
    logs.setGlobalLoggerProvider(memoryProvider() as never)
    expect(bridge.skips()).toBe(false)
  })

  test('stay in the buffer when the registered provider cannot be read, and are sent when it can', () => {
    const globals = globalThis as OtelGlobals
    onTestFinished(() => void delete globals[API_LOGS])
    useFakeTimers(timers)
    const bridge = createBridge(adapter)
    bridge.emit({ body: 'early' })
    globals[API_LOGS] = () => {
      throw new Error('no')
    }
    expect(bridge.skips()).toBe(false)
    expect(() => vi.advanceTimersByTime(1000)).not.toThrow()
    const provider = memoryProvider()
    globals[API_LOGS] = () => provider
    vi.advanceTimersByTime(1000)
    expect(provider.records.map(({ body }) => body)).toEqual(['early'])
  })

  test.for([
    ['a text', (n: number) => ({ body: `${n}`.padEnd(100_000) })],
    ['a field', (n: number) => ({ attributes: { deep: [{ text: `${n}`.padEnd(100_000) }] } })],
    ['a key', (n: number) => ({ attributes: { [`${n}`.padEnd(100_000)]: 1 } })],
    ['bytes', () => ({ body: Buffer.alloc(100_000) })],
    ['many values', () => ({ body: Array.from({ length: 3000 }, () => 1) })],
    ['fields of other keys each time', (n: number) => ({ attributes: { deep: fieldsOf(n, 700) } })],
    ['a scope', (n: number) => ({ scope: `${n}`.padEnd(100_000) })],
  ] as const)('are dropped, counted, and logged when %s takes more than 8 MiB', ([, make]) => {
    const bridge = createBridge(adapter)
    for (let n = 1; n <= 300; n += 1) bridge.emit(make(n))
    expect(state.startupBuffer.records.length).toBeGreaterThan(20)
    expect(state.startupBuffer.records.length).toBeLessThanOrEqual((8 * 1024 * 1024) / 96_000)
    expect(state.startupBuffer.bytes).toBeLessThanOrEqual(8 * 1024 * 1024)
    const kept = state.startupBuffer.records.length
    const provider = memoryProvider()
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    expect(provider.records).toHaveLength(kept)
    expect(warnings).toEqual([
      `logbridge: dropped ${300 - kept} log records because the startup buffer was full: it holds 1000 records and ` +
        '8 MiB until a LoggerProvider is registered. Set up OpenTelemetry earlier',
    ])
    expect(state.startupBuffer.bytes).toBe(0)
  })

  test('are buffered when a record before them was larger than the buffer, which is dropped and logged', () => {
    const bridge = createBridge(adapter)
    bridge.emit({ body: 'x'.repeat(5_000_000) })
    expect(state.startupBuffer.timer).toBeDefined()
    bridge.emit({ body: 'small' })
    const provider = memoryProvider()
    logs.setGlobalLoggerProvider(provider as never)
    replayBufferedRecords()
    expect(provider.records.map(({ body }) => body)).toEqual(['small'])
    expect(warnings).toEqual([expect.stringMatching(/^logbridge: dropped 1 log record/)])
  })

  test('keep no text alive when their texts were cut from it', async () => {
    const program = `
      const cut = (n) => Buffer.alloc(1_000_000, 97 + n % 26).toString().slice(n, n + 100)
      const value = (n) => ({ body: { field: [cut(n)] }, attributes: { field: cut(n) } })
      const classify = (n) => ({ severityNumber: 9, severityText: cut(n), scope: cut(n) })
      const { createBridge } = await import('@logbridge/bridge')
      const bridge = createBridge({ library: 'plain', classify, convert: value })
      for (let n = 0; n < 100; n += 1) bridge.emit(n)
      gc()
      process.stdout.write(String(process.memoryUsage().heapUsed))`
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--expose-gc', '--input-type=module', '--eval', program],
      { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 20_000 },
    )
    expect(Number(stdout)).toBeLessThan(30_000_000)
  })

  test('are not converted when a thousand records are buffered', () => {
    const convert = vi.fn(adapter.convert)
    const bridge = createBridge({ ...adapter, convert })
    for (let n = 1; n <= 1001; n += 1) bridge.emit({ body: n })
    expect(convert).toHaveBeenCalledTimes(1000)
    logs.setGlobalLoggerProvider(memoryProvider() as never)
    bridge.emit({ body: 1002 })
    expect(convert).toHaveBeenCalledTimes(1001)
  })

  test('are neither converted nor kept when OpenTelemetry is switched off', () => {
    vi.stubEnv('OTEL_SDK_DISABLED', ' True ')
    const convert = vi.fn(adapter.convert)
    const bridge = createBridge({ ...adapter, convert })
    bridge.emit({ body: 1 })
    expect(convert).not.toHaveBeenCalled()
    expect(state.startupBuffer.records).toEqual([])
    expect(state.startupBuffer.timer).toBeUndefined()
  })

  test('are not buffered when the bridge has the option loggerProvider', () => {
    createBridge(adapter, { loggerProvider: memoryProvider() }).emit({ body: 1 })
    expect(state.startupBuffer.records).toEqual([])
  })
})

describe('startup buffer', () => {
  test('warns once, after five seconds, when no provider is registered', () => {
    useFakeTimers(timers)
    const bridge = createBridge(adapter)
    bridge.emit({ body: 1 })
    vi.advanceTimersByTime(4900)
    expect(warnings).toEqual([])
    bridge.emit({ body: 2 })
    vi.advanceTimersByTime(60_000)
    expect(warnings).toEqual([
      'logbridge: no OpenTelemetry LoggerProvider is registered, 2 log records not sent so far. Call ' +
        'startTelemetry() from @logbridge/core, start your own OpenTelemetry SDK with a log record processor, or give ' +
        'the adapter a loggerProvider',
    ])
  })

  test('warns when the process ends before, which it does not delay', async () => {
    expect(await run(`bridge.emit({})`)).toMatch(
      /^logbridge: no OpenTelemetry LoggerProvider is registered, 1 log record not sent so far\..*\n$/,
    )
  })

  test('says that telemetry was shut down, and keeps the records for the next start, when records are logged after the shutdown', () => {
    useFakeTimers(timers)
    const bridge = createBridge(adapter)
    logs.setGlobalLoggerProvider(memoryProvider() as never)
    bridge.emit({ body: 'before' })
    logs.disable()
    noteShutdown()
    bridge.emit({ body: 'after' })
    vi.advanceTimersByTime(60_000)
    expect(warnings).toEqual([
      'logbridge: telemetry was shut down, 1 log record not sent: call shutdown() after the last log call',
    ])
    const next = memoryProvider()
    logs.setGlobalLoggerProvider(next as never)
    bridge.emit({ body: 'restarted' })
    expect(next.records.map(({ body }) => body)).toEqual(['after', 'restarted'])
    logs.disable()
    state.lastWarned.clear()
    createBridge(adapter).emit({ body: 'never started' })
    vi.advanceTimersByTime(60_000)
    expect(warnings.slice(1)).toEqual([
      expect.stringContaining('no OpenTelemetry LoggerProvider is registered'),
    ])
  })

  test('writes nothing when the process has logged nothing', async () => {
    expect(await run('')).toBe('')
  })
})

function fieldsOf(record: number, count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, field) => [`key${record}_${field}`, field]))
}

/** Runs a program with a bridge; resolves with what it wrote to stderr. */
async function run(program: string): Promise<string> {
  const setUp = `
    import { createBridge } from '@logbridge/bridge'
    const bridge = createBridge({ library: 'plain', classify: () => ({ severityNumber: 9 }), convert: () => ({ body: 'a' }) })
    `
  const { stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', setUp + program],
    { cwd: fileURLToPath(new URL('.', import.meta.url)), timeout: 10_000 },
  )
  return stderr
}
