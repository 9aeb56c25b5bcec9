import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import * as api from '@opentelemetry/api'
import { API, API_LOGS, type OtelGlobals } from '../provider.ts'
import type { LoggerProvider } from '../types.ts'
import { assertSpan, inSpan, spanContext } from './context.ts'
import type { Check, Harness } from './harness.ts'

export type FaultBehavior =
  | 'fault.emit'
  | 'fault.getLogger'
  | 'fault.onError'
  | 'fault.closed'
  | 'fault.reentrant'
  | 'fault.early'

/** Checks by fault. Each checks that the log call does not throw, and which records arrive. */
export const faultChecks: Readonly<Record<FaultBehavior, Check>> = {
  async 'fault.emit'(harness) {
    const { loggerProvider } = harness
    let failures = 1
    await survives(harness, {
      getLogger(name) {
        const logger = loggerProvider.getLogger(name)
        return {
          emit(record) {
            if (failures-- > 0) throw new Error('emit failed')
            logger.emit(record)
          },
        }
      },
    })
  },

  async 'fault.getLogger'(harness) {
    const { loggerProvider } = harness
    let failures = 1
    await survives(harness, {
      getLogger(name) {
        if (failures-- > 0) throw new Error('getLogger failed')
        return loggerProvider.getLogger(name)
      },
    })
  },

  async 'fault.onError'({ open, info }) {
    const logger = await open({
      loggerProvider: {
        getLogger() {
          throw new Error('getLogger failed')
        },
      },
      onError() {
        throw new Error('onError failed as well')
      },
    })
    logger.log(info, 'into a void')
    await logger.flush?.()
  },

  async 'fault.closed'({ open, record, info }) {
    const logger = await open()
    logger.log(info, 'before close')
    assert.equal((await record()).body, 'before close')
    await logger.close()
    logger.log(info, 'after close')
    // A library may report an error as an event, in a later turn of the event loop.
    await setImmediate()
  },

  async 'fault.reentrant'({ open, info, loggerProvider, records }) {
    let emitted = 0
    const logger = await open({
      loggerProvider: {
        getLogger(name) {
          const inner = loggerProvider.getLogger(name)
          return {
            emit(record) {
              emitted += 1
              if (emitted < 10) logger.log(info, 'logged by the provider')
              inner.emit(record)
            },
          }
        },
      },
    })
    logger.log(info, 'logged by the application')
    const bodies = (await records()).map(({ body }) => body)
    assert.deepEqual(bodies, ['logged by the application'])
    assert.equal(emitted, 1)
  },

  async 'fault.early'({ open, records, info, loggerProvider }) {
    const span = spanContext('3')
    const restore = removeGlobalProviders()
    try {
      const logger = await open({ loggerProvider: undefined })
      const before = Date.now()
      inSpan(span, () => logger.log(info, 'early', { nested: { n: 1 } }))
      await logger.flush?.()
      const after = Date.now()
      // The clock moves on, so that the time of the replay differs from the time of the log call.
      while (Date.now() <= after) await setImmediate()
      registerGlobally(loggerProvider)
      logger.log(info, 'in time')
      const arrived = await records()
      assert.deepEqual(
        arrived.map(({ body }) => body),
        ['early', 'in time'],
      )
      const [early] = arrived
      assertSpan(early!, span)
      assert.deepEqual(Object.keys(early!.attributes['nested'] as object), ['n'])
      const [seconds, nanoseconds] = early!.timestamp
      const millis = seconds * 1000 + Math.floor(nanoseconds / 1e6)
      assert.ok(
        before <= millis && millis <= after,
        `timestamp ${millis} must be the time of the log call, between ${before} and ${after}`,
      )
    } finally {
      restore()
    }
  },
}

/** Asserts that the provider loses the first record, that `onError` is called once, and that the next record arrives. */
async function survives(
  { open, record, records, info }: Harness,
  loggerProvider: LoggerProvider,
): Promise<void> {
  const errors: unknown[] = []
  const logger = await open({ loggerProvider, onError: (error) => errors.push(error) })
  logger.log(info, 'lost')
  assert.deepEqual(await records(), [])
  assert.equal(errors.length, 1, 'onError must be called once')
  assert.match(String(errors[0]), /failed/)
  logger.log(info, 'delivered')
  assert.equal((await record()).body, 'delivered')
}

/** Removes the registered LoggerProviders from the process, and returns a function that restores them. */
function removeGlobalProviders(): () => void {
  const globals = globalThis as OtelGlobals
  const logs = globals[API]?.logs
  const apiLogs = globals[API_LOGS]
  const set = (newLogs: typeof logs, newApiLogs: typeof apiLogs) => {
    if (newLogs) (globals[API] ??= {}).logs = newLogs
    else delete globals[API]?.logs
    if (newApiLogs) globals[API_LOGS] = newApiLogs
    else delete globals[API_LOGS]
  }
  set(undefined, undefined)
  return () => set(logs, apiLogs)
}

/** Registers a provider with `@opentelemetry/api` from 1.10 on, else under the key of `@opentelemetry/api-logs`. */
function registerGlobally(loggerProvider: LoggerProvider): void {
  const { logs } = api as { logs?: { setGlobalLoggerProvider(provider: LoggerProvider): unknown } }
  if (logs) logs.setGlobalLoggerProvider(loggerProvider)
  else (globalThis as OtelGlobals)[API_LOGS] = () => loggerProvider
}
