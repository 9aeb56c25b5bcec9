import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { memoryBackend } from '@logbridge/bridge/conformance'
import type { ReceivedLogRecord } from '@logbridge/viewer'
import pino from 'pino'
import pino8 from 'pino8'
import pino9 from 'pino9'
import { afterAll, expect } from 'vitest'
import { otelStream } from '../src/index.ts'

/** A record, as far as every route tells of it. */
export interface Arrived {
  scope: string
  /** ns since the epoch. */
  time: bigint
  /** The time of the call, in a worker that of reading the line; in ns since the epoch. */
  observed: bigint
  severityNumber: number
  severityText: string | undefined
  body: unknown
  attributes: Record<string, unknown>
  /** Trace id, span id and flags; undefined outside of a span. */
  span: string | undefined
}

interface Opened {
  logger: pino.Logger<string>
  /** All that was logged; nothing can be logged any more. */
  arrived(): Promise<Arrived[]>
}

type Open = (loggerOptions?: pino.LoggerOptions<string>, options?: object) => Promise<Opened>

/** From pino to OpenTelemetry: in the thread that logs, and through pino's own worker to a real receiver. */
export const routes: [name: string, open: Open][] = [
  ['pino 10', (loggerOptions) => openStream(pino, loggerOptions)],
  ['pino 9', (loggerOptions) => openStream(pino9 as unknown as typeof pino, loggerOptions)],
  ['pino 8', (loggerOptions) => openStream(pino8 as unknown as typeof pino, loggerOptions)],
  [
    'the worker of pino 8',
    (loggerOptions, options) => openWorker(pino8 as unknown as typeof pino, loggerOptions, options),
  ],
  ['the worker', (loggerOptions, options) => openWorker(pino, loggerOptions, options)],
]

/** Logged records by options of pino, and the records that must arrive. */
export interface Case {
  options?: pino.LoggerOptions<string>
  /** Options of the worker's transport. */
  transport?: object
  log(logger: pino.Logger<string>): void
  arrives: (Partial<Arrived> | { attributes: object })[]
}

export async function check(open: Open, { options, transport, log, arrives }: Case): Promise<void> {
  const { logger, arrived } = await open(options, transport)
  log(logger)
  const records = await arrived()
  expect(records).toHaveLength(arrives.length)
  for (const [n, expected] of arrives.entries()) {
    expect(records[n]).toMatchObject(expected)
    if (expected.attributes) expect(records[n]!.attributes).toEqual(expected.attributes)
  }
}

/** No stack, so that all of it can be compared. */
export function failure(fields: object = {}): Error {
  return Object.assign(new TypeError('boom'), { stack: 'TypeError: boom\n    at here', ...fields })
}

export const EXCEPTION = {
  'exception.type': 'TypeError',
  'exception.message': 'boom',
  'exception.stacktrace': 'TypeError: boom\n    at here',
}

/** Runs in another process, because pino blocks a process that ends its transport. */
const receiver = fork(fileURLToPath(new URL('fixtures/receiver.mjs', import.meta.url)), {
  serialization: 'advanced',
})
const [endpoint] = (await once(receiver, 'message')) as [string]
afterAll(() => void receiver.kill())

async function openStream(library: typeof pino, loggerOptions = {}): Promise<Opened> {
  const { loggerProvider, records } = await memoryBackend.start()
  const logger = library<string>({ level: 'trace', ...loggerOptions }, otelStream({ loggerProvider }))
  return {
    logger,
    async arrived() {
      return (await records()).map((record) => ({
        scope: record.scope,
        time: nanosOf(record.timestamp),
        observed: nanosOf(record.observedTimestamp),
        severityNumber: record.severityNumber,
        severityText: record.severityText,
        body: record.body,
        attributes: record.attributes,
        span: spanOf(record),
      }))
    },
  }
}

async function openWorker(library: typeof pino, loggerOptions = {}, options = {}): Promise<Opened> {
  const received: ReceivedLogRecord[] = []
  const { promise: allReceived, resolve } = Promise.withResolvers<void>()
  const keep = (message: ReceivedLogRecord[] | 'end'): void => {
    if (message === 'end') resolve()
    else received.push(...message)
  }
  receiver.on('message', keep)
  const transport = library.transport({ target: '@logbridge/pino', options: { endpoint, ...options } })
  return {
    logger: library<string>({ level: 'trace', ...loggerOptions }, transport),
    async arrived() {
      transport.end()
      await once(transport, 'close')
      receiver.send('end')
      await allReceived
      receiver.off('message', keep)
      return received.map((record) => ({
        scope: record.scope.name,
        time: record.timeUnixNano,
        observed: record.observedTimeUnixNano,
        severityNumber: record.severityNumber,
        severityText: record.severityText || undefined,
        // The message itself distinguishes an empty text from no body.
        body: record.raw.body ? record.body : undefined,
        attributes: { ...record.attributes },
        span: spanOf(record),
      }))
    },
  }
}

function nanosOf([seconds, nanoseconds]: [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
}

function spanOf(record: {
  traceId?: string | undefined
  spanId?: string | undefined
  flags?: number | undefined
}) {
  return record.traceId ? `${record.traceId} ${record.spanId} ${record.flags}` : undefined
}
