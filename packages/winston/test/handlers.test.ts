import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterEach, describe, expect, test } from 'vitest'
import winston from 'winston'
import { type BackendSession, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport } from '../src/index.ts'

const { format } = winston
const CRASH = fileURLToPath(new URL('fixtures/crash.mjs', import.meta.url))

describe("winston's handlers", () => {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const listeners = events.map((event) => process.listeners(event as 'exit'))
  let logger: winston.Logger | undefined

  /** Emits an event to winston's handler alone. */
  function emitTo(event: (typeof events)[number], options: winston.LoggerOptions, value: unknown): void {
    for (const name of events) process.removeAllListeners(name)
    logger = winston.createLogger({ exitOnError: false, ...options })
    process.emit(event as 'uncaughtException', value as Error)
  }

  afterEach(() => {
    logger?.close()
    events.forEach((event, index) => {
      process.removeAllListeners(event)
      for (const listener of listeners[index]!) process.on(event, listener as () => void)
    })
  })

  const attributes = (error: Error) => ({
    'exception.type': 'TypeError',
    'exception.message': 'boom',
    'exception.stacktrace': error.stack,
    error: { code: 'E_BOOM' },
    date: expect.any(String),
    process: expect.objectContaining({ pid: process.pid }),
    os: expect.any(Object),
    trace: expect.any(Array),
  })
  let session: BackendSession

  test.each<[(typeof events)[number], string, (transport: OtelTransport) => winston.LoggerOptions]>([
    ['uncaughtException', 'exceptionHandlers', (transport) => ({ exceptionHandlers: [transport] })],
    ['uncaughtException', 'handleExceptions', (transport) => ({ transports: [transport] })],
    ['unhandledRejection', 'rejectionHandlers', (transport) => ({ rejectionHandlers: [transport] })],
    ['unhandledRejection', 'handleRejections', (transport) => ({ transports: [transport] })],
  ])('send one record when an %s reaches %s', async (event, _, options) => {
    session = await memoryBackend.start()
    const { loggerProvider } = session
    const transport = new OtelTransport({ loggerProvider, handleExceptions: true, handleRejections: true })
    const error = Object.assign(new TypeError('boom'), { code: 'E_BOOM' })
    emitTo(event, options(transport), error)
    const records = await session.records()
    expect(records).toHaveLength(1)
    const [record] = records
    expect(record!.body).toBe(`${event}: boom\n${error.stack}`)
    expect(record!.severityNumber).toBe(17)
    const flag = event === 'uncaughtException' ? { exception: true } : { rejection: true }
    expect(record!.attributes).toEqual({ ...attributes(error), ...flag })
  })

  test('send nothing when an exception is uncaught and handleExceptions is false', async () => {
    session = await memoryBackend.start()
    const transport = new OtelTransport({ loggerProvider: session.loggerProvider })
    const other = new winston.transports.Stream({ stream: new PassThrough().resume() })
    emitTo('uncaughtException', { transports: [transport], exceptionHandlers: [other] }, new Error('boom'))
    expect(await session.records()).toEqual([])
  })

  test('hide fields when the format of the transport hides them', async () => {
    session = await memoryBackend.start()
    const { loggerProvider } = session
    const hide = format(({ os: _os, process: _process, ...info }) => info)
    const transport = new OtelTransport({ loggerProvider, format: hide() })
    const silent = new OtelTransport({ loggerProvider, silent: true })
    emitTo('uncaughtException', { exceptionHandlers: [transport, silent] }, new Error('boom'))
    const records = await session.records()
    expect(records).toHaveLength(1)
    expect(Object.keys(records[0]!.attributes)).not.toContain('process')
  })

  test("hide fields when the text of the logger's format hides them", async () => {
    session = await memoryBackend.start()
    const transport = new OtelTransport({ loggerProvider: session.loggerProvider })
    const json = format.json({
      replacer: (key, value: unknown) => (/^(?:os|process|date|trace|stack)$/.test(key) ? undefined : value),
    })
    emitTo('uncaughtException', { format: json, exceptionHandlers: [transport] }, new TypeError('boom'))
    const [record] = await session.records()
    expect(record!.body).toMatch(/^uncaughtException: boom\n/)
    expect(Object.keys(record!.attributes)).toEqual(expect.arrayContaining(['exception.type', 'exception']))
    expect(Object.keys(record!.attributes)).not.toEqual(expect.arrayContaining(['process']))
    expect(Object.keys(record!.attributes)).not.toEqual(expect.arrayContaining(['os']))
  })

  test('send the value when a value that is no Error is thrown', async () => {
    session = await memoryBackend.start()
    const transport = new OtelTransport({ loggerProvider: session.loggerProvider })
    emitTo('uncaughtException', { exceptionHandlers: [transport] }, 'a text')
    const [record] = await session.records()
    expect(record!.body).toBe('uncaughtException: a text\n  No stack trace')
    expect(record!.attributes).toMatchObject({ error: 'a text' })
    expect(Object.keys(record!.attributes)).not.toContain('exception.type')
  })
})

/** Reports a flush of more than a second, as on a busy machine. */
const WAIT_NOTICE = /^logbridge: still waiting for log records to be sent, at most 3000 ms\n/

/** Runs a process with the built package to its end. */
async function run(...args: string[]) {
  const child = spawn(process.execPath, [CRASH, ...args])
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ])
  return { stdout, stderr: stderr.replace(WAIT_NOTICE, ''), code }
}

// winston ends the process after three seconds.
describe.concurrent(
  'OtelTransport sends the record, and the process ends as without it, when an error is uncaught',
  { tags: 'long' },
  () => {
    test.each<[library: string, setup: string, fault: 'throw' | 'reject', event: string, code: number]>([
      ['winston', 'exceptionHandlers', 'throw', 'uncaughtException', 1],
      ['winston', 'handleExceptions', 'throw', 'uncaughtException', 1],
      ['winston', 'winston.exceptions.handle', 'throw', 'uncaughtException', 1],
      ['winston', 'rejectionHandlers', 'reject', 'unhandledRejection', 1],
      ['winston', 'handleRejections', 'reject', 'unhandledRejection', 1],
      ['winston', 'both', 'throw', 'uncaughtException', 1],
      ['winston', 'both', 'reject', 'unhandledRejection', 1],
      ['winston', 'exitOnError', 'throw', 'uncaughtException', 7],
      ['winston30', 'exceptionHandlers', 'throw', 'uncaughtException', 1],
      ['winston30', 'handleExceptions', 'throw', 'uncaughtException', 1],
      ['winston30', 'exceptionHandlers', 'reject', 'uncaughtException', 1],
    ])('%s, %s, %s', async (library, setup, fault, event, code) => {
      const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
      const received: ReceivedLogRecord[] = []
      viewer.on('logs', (records) => received.push(...records))
      const [ended, without] = await Promise.all([
        run(library, setup, fault, viewer.grpcUrl),
        run(library, setup, fault),
      ])
      await viewer.close()
      expect(ended).toEqual({ stdout: '', stderr: '', code })
      expect(without).toEqual(ended)
      expect(received).toHaveLength(1)
      const [record] = received
      expect(record!.severityNumber).toBe(17)
      expect(record!.body).toMatch(new RegExp(`^${event}: boom\\nTypeError: boom\\n\\s+at `))
      expect(record!.attributes).toMatchObject({
        'exception.type': 'TypeError',
        'exception.message': 'boom',
        'exception.stacktrace': expect.stringMatching(
          /^TypeError: boom\n[^]+\nCaused by: RangeError: inner\n/,
        ),
        error: { code: 'E_BOOM' },
      })
    })
  },
)

test(
  'OtelTransport leaves an exception to core, which sends it once as FATAL, when handleExceptions is set',
  { tags: 'long' },
  async () => {
    const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    const received: ReceivedLogRecord[] = []
    viewer.on('logs', (records) => received.push(...records))
    for (const [library, start] of [
      ['winston', 'startTelemetry'],
      ['winston', 'createLoggerProvider'],
      ['winston30', 'startTelemetry'],
    ]) {
      received.length = 0
      const program = `
      import * as core from '@logbridge/core'
      import { OtelTransport } from '@logbridge/winston'
      import winston from '${library}'
      core.${start}({ endpoint: '${viewer.grpcUrl}' })
      winston.createLogger({ transports: [new OtelTransport({ handleExceptions: true })] })
      setImmediate(() => { throw new TypeError('boom') })`
      const cwd = fileURLToPath(new URL('..', import.meta.url))
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd })
      await once(child, 'exit')
      expect(
        received.map(({ severityText, body }) => [severityText, body]),
        `${library}, ${start}`,
      ).toEqual([['FATAL', 'boom']])
    }
    await viewer.close()
  },
)
