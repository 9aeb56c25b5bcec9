import { describe, expect, test } from 'vitest'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { type Ended, run } from '../programs.ts'
import { receiver } from '../receive.ts'

const receiving = receiver()

/** Prints each record with a processor, because a dying process cannot send records. */
const PRINTING = `
const printing = {
  onEmit({ body, severityNumber, severityText, instrumentationScope, attributes, spanContext }) {
    const scope = instrumentationScope.name
    process.stdout.write(JSON.stringify({ scope, body, severityNumber, severityText, attributes, spanContext }) + '\\n')
  },
  async forceFlush() {},
  async shutdown() {},
}`
const START = `
import { createLoggerProvider, startTelemetry } from '@logbridge/core'
import { logs, trace } from '@opentelemetry/api'
import { createRequire } from 'node:module'
${PRINTING}
const telemetry = startTelemetry({ traces: { processors: [] }, metrics: false, logs: { processors: [printing] } })
process.on('exit', (code) => console.log('exit', code))
`

interface Printed {
  scope: string
  body: unknown
  severityNumber: number
  severityText: string
  attributes: Record<string, unknown>
  spanContext?: { traceId: string }
}

async function crash(
  code: string,
  execArgv: string[] = [],
): Promise<Ended & { printed: Printed[]; lines: string[] }> {
  const ended = await run(code, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl(), OTEL_TRACES_EXPORTER: 'none' },
    execArgv,
  })
  const lines = ended.stdout.split('\n').filter(Boolean)
  const printed = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Printed)
  return { ...ended, printed, lines: lines.filter((line) => !line.startsWith('{')) }
}

describe('captureUncaughtExceptions', () => {
  const THROW = `setImmediate(() => {
    class DeclinedError extends TypeError { name = 'DeclinedError'; code = 'E402' }
    throw new DeclinedError('card declined', { cause: new Error('no funds') })
  })`

  test.each([
    ['a throw', "setImmediate(() => { throw new Error('of the domain') })"],
    ['a rejection', "void Promise.reject(new Error('of the domain'))"],
  ])('records nothing when a domain handles the exception: %s', async (_, fault) => {
    const { printed, lines, code } = await crash(`${START}
      const domain = createRequire(import.meta.url)('node:domain')
      const outer = domain.create()
      outer.on('error', (error) => console.log('handled', error.message))
      outer.run(() => { ${fault} })`)
    expect({ printed, lines, code }).toEqual({
      printed: [],
      lines: ['handled of the domain', 'exit 0'],
      code: 0,
    })
  })

  test('records the exception when the domain has no handler', async () => {
    const { printed, code } = await crash(`${START}
      const domain = createRequire(import.meta.url)('node:domain')
      domain.create().run(() => setImmediate(() => { throw new Error('of the domain') }))`)
    expect(printed.map(({ body }) => body)).toEqual(['of the domain'])
    expect(code).toBe(1)
  })

  test('records the exception as FATAL, and ends the process as without logbridge', async () => {
    const without = await run(`process.on('exit', (code) => console.log('exit', code));\n${THROW}`)
    const { printed, lines, code, stderr } = await crash(START + THROW)
    expect(printed).toEqual([
      {
        scope: '@logbridge/core',
        severityNumber: 21,
        severityText: 'FATAL',
        body: 'card declined',
        attributes: {
          'exception.type': 'DeclinedError',
          'exception.message': 'card declined',
          'exception.stacktrace': expect.stringMatching(/card declined\n +at .*Caused by: Error: no funds/s),
          'logbridge.exception.origin': 'uncaughtException',
          error: expect.objectContaining({ code: 'E402' }),
        },
      },
    ])
    expect({ code, lines }).toEqual({ code: 1, lines: ['exit 1'] })
    expect(without).toMatchObject({ code: 1, stdout: 'exit 1\n' })
    // The outputs differ in the line number alone.
    const withoutLines = (text: string): string => text.replaceAll(/\[eval1?\]:\d+/g, '[eval]')
    expect(withoutLines(stderr)).toBe(withoutLines(without.stderr))
    const lossy = START + "telemetry.loggerProvider.getLogger('l').emit({ body: 'lost' })\n" + THROW
    expect((await crash(lossy)).stderr).toMatch(
      /^logbridge: not sent when the process ended: 2 log records\./,
    )
  })

  test('records the exception in the trace in which it was thrown', async () => {
    const { printed } = await crash(
      START.replace(
        'traces: { processors: [] }',
        `traces: { processors: [{ onStart() {}, onEnd() {}, async forceFlush() {}, async shutdown() {} }] }`,
      ) +
        `trace.getTracer('t').startActiveSpan('work', (span) => {
          console.log(span.spanContext().traceId)
          setTimeout(() => { throw new Error('in a span') }, 1)
        })`,
    )
    expect(printed).toMatchObject([
      { body: 'in a span', spanContext: { traceId: expect.stringMatching(/^[0-9a-f]{32}$/) } },
    ])
  })

  test.each([
    ['a text', `throw 'text'`, 'text', { 'exception.type': 'string', 'exception.message': 'text' }],
    [
      'undefined',
      'throw undefined',
      'undefined',
      { 'exception.type': 'undefined', 'exception.message': 'undefined' },
    ],
    ['null', 'throw null', 'null', { 'exception.type': 'null', 'exception.message': 'null' }],
    ['a symbol', `throw Symbol('s')`, 'Symbol(s)', { 'exception.type': 'symbol' }],
    ['an object', 'throw { code: 7 }', { code: 7 }, { 'exception.type': 'object' }],
    ['a function', 'throw function f() {}', 'function f() {}', { 'exception.type': 'function' }],
    [
      'a frozen error',
      `throw Object.freeze(new RangeError('cold'))`,
      'cold',
      { 'exception.type': 'RangeError' },
    ],
    [
      'an error whose getters throw',
      `throw Object.defineProperties(new Error('x'), { message: { get() { throw new Error('no') } }, code: { enumerable: true, get() { throw new Error('no') } } })`,
      '[Throws: no]',
      { error: { code: '[Throws: no]' } },
    ],
    [
      'a hostile Proxy',
      `throw new Proxy({}, { get() { throw new Error('no') }, ownKeys() { throw new Error('no') }, getPrototypeOf() { throw new Error('no') } })`,
      expect.anything(),
      {},
    ],
  ])('%s', async (_, statement, body, attributes) => {
    const { printed, lines, stderr } = await crash(`${START} setImmediate(() => { ${statement} })`)
    expect(printed).toEqual([expect.objectContaining({ severityNumber: 21, body })])
    expect(printed[0]!.attributes).toMatchObject(attributes)
    expect(lines).toEqual([expect.stringMatching(/^exit [17]$/)])
    expect(stderr).not.toContain('could not be')
  })

  test('records the exception when it is an unhandled rejection', async () => {
    const { printed, code } = await crash(`${START} Promise.reject(new Error('rejected'))`)
    expect(code).toBe(1)
    expect(printed).toMatchObject([
      {
        body: 'rejected',
        severityNumber: 21,
        attributes: { 'logbridge.exception.origin': 'unhandledRejection' },
      },
    ])
  })

  test.each(['warn', 'none'])(
    'records nothing when the exception is a rejection and --unhandled-rejections is %s',
    async (mode) => {
      const { printed, code } = await crash(`${START} Promise.reject(new Error('rejected'))`, [
        `--unhandled-rejections=${mode}`,
      ])
      expect({ printed, code }).toEqual({ printed: [], code: 0 })
    },
  )

  test('records nothing when it is false', async () => {
    const { printed, code } = await crash(
      `${START.replace('metrics: false', 'metrics: false, captureUncaughtExceptions: false')} ${THROW}`,
    )
    expect({ printed, code }).toEqual({ printed: [], code: 1 })
  })

  test('records the exception when it is thrown before any other record', async () => {
    const { printed, code } = await crash(`${START} throw new Error('at once')`)
    expect(code).toBe(1)
    expect(printed).toMatchObject([{ body: 'at once' }])
  })
})

describe('captureUncaughtExceptions with a handler of the application', () => {
  const env = (): Record<string, string> => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiving.grpcUrl() })
  const LIVE = START.replace(', logs: { processors: [printing] }', '')

  test.each([
    [
      'on uncaughtException',
      `process.on('uncaughtException', (error) => console.log('mine', error.message))`,
    ],
    [
      'as the capture callback',
      `process.setUncaughtExceptionCaptureCallback((error) => console.log('mine', error.message))`,
    ],
  ])('sends the exception and keeps the process running when the handler is set %s', async (_, handler) => {
    const ended = await run(
      `${LIVE} ${handler}
      setImmediate(() => { throw new Error('survived') })
      setTimeout(() => logs.getLogger('l').emit({ body: 'afterwards' }), 50)`,
      { env: env() },
    )
    expect(ended).toEqual({ code: 0, stdout: 'mine survived\nexit 0\n', stderr: '' })
    expect(receiving.take().map(({ body, severityNumber }) => [body, severityNumber])).toEqual([
      ['survived', 21],
      ['afterwards', 0],
    ])
  })

  test('ends the process with exit code 7 when the handler throws', async () => {
    const ended = await run(
      `${LIVE} process.on('uncaughtException', () => { throw new Error('again') })
      setImmediate(() => { throw new Error('first') })`,
      { env: env() },
    )
    expect(ended).toMatchObject({ code: 7, stdout: '' })
    expect(ended.stderr).toMatch(/Error: again\n/)
  })

  test('sends the exception when an asynchronous handler shuts telemetry down', async () => {
    const ended = await run(
      `${LIVE} process.on('uncaughtException', async (error) => {
        await telemetry.shutdown()
        process.exit(9)
      })
      setImmediate(() => { throw new Error('last words') })`,
      { env: env() },
    )
    expect(ended).toEqual({ code: 9, stdout: 'exit 9\n', stderr: '' })
    expect(receiving.take().map(({ body }) => body)).toEqual(['last words'])
  })

  test('records nothing when the export threw the exception and the handler ignores it', async () => {
    const ended = await run(
      `
      import { createLoggerProvider } from '@logbridge/core'
      const headers = () => { setImmediate(() => { throw new Error('in the export') }); return {} }
      const provider = createLoggerProvider({ headers, scheduledDelayMillis: 1 })
      let thrown = 0
      process.on('uncaughtException', () => { thrown += 1 })
      provider.getLogger('l').emit({ body: 'hello' })
      setTimeout(() => console.log(thrown, provider.stats().created), 300)`,
      { env: env() },
    )
    expect(ended).toMatchObject({ code: 0, stdout: '1 1\n' })
    expect(receiving.take().map(({ body }) => body)).toEqual(['hello'])
  })

  test('records the exception when the export threw it and the process ends', async () => {
    const { printed, code } =
      await crash(`${START.replace('logs: {', `logs: { scheduledDelayMillis: 1, headers: () => { setImmediate(() => { throw new Error('in the export') }); return {} },`)}
      logs.getLogger('l').emit({ body: 'hello' }); setTimeout(() => {}, 2000)`)
    expect(code).toBe(1)
    expect(printed.map(({ body }) => body)).toEqual(['hello', 'in the export'])
  })
})

test('captureUncaughtExceptions records the exception once with each provider of both copies of the package', async () => {
  const { printed } = await crash(`${START}
    const other = createRequire(import.meta.url)('@logbridge/core')
    other.createLoggerProvider({ processors: [printing], register: false, captureUncaughtExceptions: true })
    createLoggerProvider({ processors: [printing], register: false })
    setImmediate(() => { throw new Error('boom') })`)
  // The third provider is not registered and does not capture exceptions.
  expect(printed.map(({ body }) => body)).toEqual(['boom', 'boom'])
})

describe('captureUncaughtExceptions in a worker thread', () => {
  const worker = `
    const { startTelemetry } = require('@logbridge/core')
    ${PRINTING.replace('process.stdout.write(', "require('node:fs').writeSync(1, ")}
    startTelemetry({ traces: false, metrics: false, logs: { processors: [printing] } })
    setImmediate(() => { CRASH })`
  const code = (how: string): string => `
    const { startTelemetry } = require('@logbridge/core')
    ${PRINTING}
    startTelemetry({ traces: false, metrics: false, logs: { processors: [printing] } })
    const { Worker } = require('node:worker_threads')
    new Worker(${JSON.stringify(worker)}.replace('CRASH', ${JSON.stringify(how)}), { eval: true })
      .on('error', (error) => console.log('error', error.message))
      .on('exit', (code) => console.log('exit', code))`
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }

  test('records the exception with the provider of the thread while the main thread continues', async () => {
    const ended = await run(code(`throw new Error('in a worker')`), { type: 'commonjs', env })
    expect(ended.code).toBe(0)
    expect(ended.stdout.match(/"body":"in a worker"/g)).toHaveLength(1)
    expect(ended.stdout).toContain('error in a worker\n')
    expect(ended.stderr).toContain('when the process ended: 1 log record.')
  })

  test('reports lost records when the thread calls process.exit()', async () => {
    const ended = await run(
      code(`require('@opentelemetry/api').logs.getLogger('l').emit({ body: 'x' }); process.exit(3)`),
      { type: 'commonjs', env },
    )
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('exit 3\n') })
    expect(ended.stderr).toContain('when the process ended: 1 log record.')
  })
})
