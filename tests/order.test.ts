import type { LoggerProvider } from '@logbridge/bridge'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import { createLoggerProvider, type LogbridgeLoggerProvider } from '@logbridge/core'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import * as winston from '@logbridge/winston'
import { expect, onTestFinished, test } from 'vitest'
import { createSubjects } from './subjects.ts'

/** Calls of a test in one turn of the event loop, many of them in one millisecond. */
const CALLS = 240
/** Scopes whose records have the time of the call alone. */
const WITHOUT_OWN_TIME = new Set(['console', 'winston', 'core'])

const subjects = createSubjects({ winston, pino, bunyan, log4js, console })
const processor = { onEmit() {}, forceFlush: async () => {}, shutdown: async () => {} }

test.each([
  ['the provider of core', {}],
  ['the provider of core with a processor', { processors: [processor] }],
])('adapters send times in the order of the calls through %s', async (_, options) => {
  const { create, sorted } = await start(options)
  const provider = create({ register: false })
  const log = await openAll(provider)
  for (let call = 0; call < CALLS; call += 1) log(provider, call)
  await expectOrder(sorted)
})

test('adapters send times in the order of the calls when some records are logged before a provider exists', async () => {
  const { create, sorted } = await start({})
  const log = await openAll(undefined)
  for (let call = 0; call < CALLS / 2; call += 1) log(undefined, call)
  const provider = create({})
  for (let call = CALLS / 2; call < CALLS; call += 1) log(provider, call)
  await expectOrder(sorted)
})

/** Starts a receiver and returns a factory of providers that send to it. */
async function start(options: object) {
  const receiver = await startViewer({ grpcPort: 0, httpPort: 0 })
  onTestFinished(() => receiver.close())
  const received: ReceivedLogRecord[] = []
  receiver.on('logs', (records) => void received.push(...records))
  let provider: LogbridgeLoggerProvider | undefined
  return {
    create(more: object) {
      const created = createLoggerProvider({ endpoint: receiver.grpcUrl, ...options, ...more })
      onTestFinished(() => created.shutdown())
      return (provider = created)
    },
    async sorted(by: 'timeUnixNano' | 'observedTimeUnixNano') {
      await provider?.forceFlush()
      return received.toSorted((a, b) => Number(a[by] - b[by]))
    },
  }
}

/** Creates a function that logs one call, with each adapter and the Logger of core in turn. */
async function openAll(loggerProvider: LoggerProvider | undefined) {
  const loggers = await Promise.all(
    subjects.map(async ({ create, levels, library }) => {
      const logger = await create({ scope: library, ...(loggerProvider && { loggerProvider }) })
      onTestFinished(() => logger.close())
      const info = Object.keys(levels).find((level) => levels[level] === 9)!
      return (call: number) => logger.log(info, `call ${call}`)
    }),
  )
  return (provider: LoggerProvider | undefined, call: number): void => {
    const log = loggers[call % (loggers.length + 1)]
    if (log) log(call)
    else if (provider) provider.getLogger('core').emit({ body: `call ${call}`, severityNumber: 9 })
    else loggers[0]!(call)
  }
}

async function expectOrder(sorted: Awaited<ReturnType<typeof start>>['sorted']) {
  const observed = await sorted('observedTimeUnixNano')
  const calls = Array.from({ length: CALLS }, (_, call) => `call ${call}`)
  expect(observed.map(({ body }) => body)).toEqual(calls)
  expect(new Set(observed.map(({ observedTimeUnixNano }) => observedTimeUnixNano)).size).toBe(CALLS)

  const ofCall = (records: ReceivedLogRecord[]) =>
    records.filter(({ scope }) => WITHOUT_OWN_TIME.has(scope.name)).map(({ body }) => body)
  expect(ofCall(await sorted('timeUnixNano'))).toEqual(ofCall(observed))
}
