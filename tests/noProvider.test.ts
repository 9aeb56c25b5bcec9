import type { LoggerProvider } from '@logbridge/bridge'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import { type Context, context, createContextKey, diag, logs, ROOT_CONTEXT } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { createSubjects } from './subjects.ts'

/** Records that the startup buffer holds. */
const MAX_RECORDS = 1000

interface State {
  readonly startupBuffer: { records: unknown[]; bytes: number; overflow: number }
}

const subjects = createSubjects({ winston, pino, bunyan, log4js, console }).filter(
  ({ library }) => library !== 'core',
)
const { startupBuffer } = (globalThis as unknown as Record<symbol, State>)[Symbol.for('logbridge.state.1')]!
capturedWarnings()

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
})

test.for(subjects)(
  '$library counts each record once when there is no LoggerProvider and the startup buffer is full, and sends records when a LoggerProvider is registered',
  async ({ create, levels, library }) => {
    // The adapter of console makes each record while a diag logger is set.
    diag.disable()
    Object.assign(startupBuffer, { records: [], bytes: 0, overflow: 0 })
    const logger = await create({ scope: library })
    onTestFinished(() => logger.close())
    const info = Object.keys(levels).find((level) => levels[level] === 9)!
    for (let call = 0; call < MAX_RECORDS; call += 1) logger.log(info, 'buffered')
    expect(startupBuffer).toMatchObject({ records: { length: MAX_RECORDS }, overflow: 0 })
    for (let call = 0; call < 3; call += 1) logger.log(info, 'dropped')
    expect(startupBuffer).toMatchObject({ records: { length: MAX_RECORDS }, overflow: 3 })

    const emitted: { body?: unknown; context?: Context }[] = []
    const loggerProvider: LoggerProvider = { getLogger: () => ({ emit: (record) => emitted.push(record) }) }
    logs.setGlobalLoggerProvider(loggerProvider as never)
    onTestFinished(() => logs.disable())
    const key = createContextKey('request')
    context.with(ROOT_CONTEXT.setValue(key, 7), () => logger.log(info, 'sent'))
    expect(emitted.map(({ body }) => body)).toEqual([
      ...Array.from({ length: MAX_RECORDS }, () => 'buffered'),
      'sent',
    ])
    expect(emitted.at(-1)!.context!.getValue(key)).toBe(7)
  },
)

test.for(subjects)(
  '$library throws nothing, and reports the fault, when the registered LoggerProvider cannot be read',
  async ({ create, levels, library }) => {
    diag.disable()
    const globals = globalThis as Record<symbol, unknown>
    const key = Symbol.for('io.opentelemetry.js.api.logs')
    const errors: unknown[] = []
    const logger = await create({ scope: library, onError: (error) => errors.push(error) })
    onTestFinished(async () => {
      delete globals[key]
      await logger.close()
    })
    const fault = new Error('no')
    globals[key] = () => {
      throw fault
    }
    const info = Object.keys(levels).find((level) => levels[level] === 9)!
    expect(() => logger.log(info, 'lost')).not.toThrow()
    expect(errors).toEqual([fault])
  },
)
