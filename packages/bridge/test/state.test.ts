import { logs } from '@opentelemetry/api'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ProcessState } from '../src/state.ts'
import { memoryProvider } from './memoryProvider.ts'

const KEY = Symbol.for('logbridge.state.1')
const holder = globalThis as { [KEY]?: ProcessState | undefined }
const { [KEY]: original } = holder

beforeEach(() => {
  delete holder[KEY]
})
afterEach(() => {
  holder[KEY] = original
  logs.disable()
  vi.restoreAllMocks()
})

/** Loads another copy of the bridge, as another version in the tree of npm is. */
async function loadCopy(): Promise<typeof import('../src/internal.ts')> {
  vi.resetModules()
  return import('../src/internal.ts')
}

const adapter = {
  library: 'plain',
  classify: () => ({ severityNumber: 9 as const }),
  convert: (body: unknown) => ({ body }),
}
const ending = { flush: async () => undefined, atEnd() {} }
const stateOfThisVersion = await loadCopy().then(() => holder[KEY]!)
const fields = [
  ...Object.keys(stateOfThisVersion),
  ...Object.keys(stateOfThisVersion.clock).map((field) => `clock.${field}`),
  ...Object.keys(stateOfThisVersion.startupBuffer).map((field) => `startupBuffer.${field}`),
  ...Object.keys(stateOfThisVersion.shutdownSignals).map((field) => `shutdownSignals.${field}`),
]

test.each(fields)(
  'a bridge buffers, replays, and warns when an older version has created the state without %s',
  async (path) => {
    await loadCopy()
    const older = holder[KEY]!
    const parts = path.split('.')
    const parent = parts.length === 1 ? older : older[parts[0] as 'clock']
    delete (parent as unknown as Record<string, unknown>)[parts.at(-1)!]

    const newer = await loadCopy()
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    newer.createBridge(adapter).emit('buffered')
    const provider = memoryProvider()
    logs.setGlobalLoggerProvider(provider as never)
    newer.createBridge(adapter).emit('sent')
    expect(provider.records.map(({ body }) => body)).toEqual(['buffered', 'sent'])
    expect(nanosOf(newer.now())).toBeLessThan(nanosOf(newer.now()))
    newer.withLoggingSuppressed(() => newer.createBridge(adapter).emit('suppressed'))
    expect(provider.records).toHaveLength(2)
    newer.warnOnce('key', 'once')
    newer.warnOnce('key', 'once')
    expect(write.mock.calls.map(([line]) => line)).toEqual(['logbridge: once\n'])
    newer.watchShutdownSignals(['SIGUSR2'], ending)()
    expect(holder[KEY]).toBe(older)
  },
)

test('copies of the bridge share the startup buffer when a newer version has added a field to the state', async () => {
  const newer = await loadCopy()
  Object.assign(holder[KEY]!, { fieldOfNewerVersion: 1 })
  const older = await loadCopy()
  expect(older.createBridge).not.toBe(newer.createBridge)
  older.createBridge(adapter).emit('buffered')
  const provider = memoryProvider()
  logs.setGlobalLoggerProvider(provider as never)
  newer.replayBufferedRecords()
  expect(provider.records.map(({ body }) => body)).toEqual(['buffered'])
  expect(holder[KEY]).toMatchObject({ fieldOfNewerVersion: 1 })
})

test('copies of the bridge add one listener to a signal when both watch the signal', async () => {
  const copies = [await loadCopy(), await loadCopy()]
  const before = process.listenerCount('SIGUSR2')
  const unwatch = copies.map(({ watchShutdownSignals }) => watchShutdownSignals(['SIGUSR2'], ending))
  expect(process.listenerCount('SIGUSR2')).toBe(before + 1)
  for (const each of unwatch) each()
  expect(process.listenerCount('SIGUSR2')).toBe(before)
})

function nanosOf([seconds, nanoseconds]: [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
}
