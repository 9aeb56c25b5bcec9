import { expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

const LOAD = {
  esm: `import pino, { multistream, destination } from 'pino'`,
  cjs: `const pino = require('pino'); const { multistream, destination } = pino`,
}

test.each(['esm', 'cjs'] as const)(
  'attachPino sends each record of each kind of logger once when pino is loaded as %s',
  async (module) => {
    const result = await run(
      `${LOAD[module]}
      const logger = pino({ name: 'shop', level: 'debug' })
      logger.debug({ orderId: 7 }, 'of pino')
      logger.child({ tenant: 'a' }).info('of a child')
      logger.trace('below the level')
      pino.pino({ name: 'shop' }, multistream([{ stream: destination(1) }])).warn('of a multistream')
      pino({ name: 'shop', messageKey: 'text', customLevels: { notice: 35 } }).notice('of other keys and levels')`,
      { module },
    )
    expect(essence(result)).toEqual([
      ['shop', 'debug', 'of pino'],
      ['shop', 'info', 'of a child'],
      ['shop', 'warn', 'of a multistream'],
      ['shop', 'notice', 'of other keys and levels'],
    ])
    expect(result.records[0]!.attributes).toEqual({ orderId: 7 })
    expect(result.records[1]!.attributes).toEqual({ tenant: 'a' })
    expect(result.stdout.match(/^\{.*\}$/gm)).toHaveLength(4)
    expect(result.stderr).toBe('')
  },
)

test('attachPino sends nothing that pino hides when redact, a serializer, or streamWrite hides it', async () => {
  const result = await run(`
    import pino from 'pino'
    const stream = { write() {} }
    pino({ redact: ['password'] }, stream).info({ password: 'secret' }, 'redacted')
    pino({ serializers: { user: ({ id }) => ({ id }) } }, stream).info({ user: { id: 1, token: 'secret' } }, 'serialized')
    const hooks = { streamWrite: (line) => line.replaceAll('secret', '[hidden]') }
    const logger = pino({ hooks }, stream)
    logger.info({ token: 'secret' }, 'replaced')
    logger.child({ key: 'secret' }).info('replaced in a child')`)
  expect(result.records.map(({ body, attributes }) => [body, attributes])).toEqual([
    ['redacted', { password: '[Redacted]' }],
    ['serialized', { user: { id: 1 } }],
    ['replaced', { token: '[hidden]' }],
    ['replaced in a child', { key: '[hidden]' }],
  ])
})

test('attachPino sends the logged values when pino alone makes the line', async () => {
  const { records } = await run(`
    import pino from 'pino'
    const logger = pino({ base: null }, { write() {} })
    logger.info({ stock: new Map([['apple', 3]]) }, 'counted')
    logger.child({ tenant: 'a' }).info({ stock: new Map([['apple', 3]]) }, 'counted by a child')`)
  expect(records.map(({ attributes }) => attributes)).toEqual([
    { stock: { apple: 3 } },
    { stock: { apple: 3 }, tenant: 'a' },
  ])
})

test('attachPino calls streamWrite once for a line when it sends the line', async () => {
  const { stdout } = await run(`
    import pino from 'pino'
    let calls = 0
    const hooks = { streamWrite(line) { calls += 1; return line } }
    const logger = pino({ hooks }, { write() {} })
    logger.info('one')
    logger.child({}).info('two')
    console.log(calls, Object.keys(hooks).join())`)
  expect(stdout).toBe('2 streamWrite\n')
})

test.each([
  ['as stream', `pino(otelStream()).info('hello')`],
  ['in a multistream', `pino({}, pino.multistream([{ stream: otelStream() }])).info('hello')`],
  ['in a worker', `pino({ transport: { target: '@logbridge/pino' } }).info('hello')`],
  [
    'in a worker with other targets',
    `pino({ transport: { targets: [{ target: 'pino/file' }, { target: '@logbridge/pino' }] } }).info('hello')`,
  ],
])('attachPino sends nothing when the application has attached the adapter %s', async (_, code) => {
  const result = await run(`
    import pino from 'pino'
    import { otelStream } from '@logbridge/pino'
    ${code}`)
  expect(result.records.map(({ body }) => body)).toEqual(['hello'])
  expect(result.stderr).toMatch(/^logbridge: @logbridge\/auto leaves pino loggers alone .*\n$/)
})

test('attachPino sends the records of a logger whose worker sends to another destination', async () => {
  const result = await run(`
    import pino from 'pino'
    pino({ transport: { target: 'pino/file' } }).info('hello')`)
  expect(result.records.map(({ body }) => body)).toEqual(['hello'])
  expect(result.stdout).toContain('"msg":"hello"')
})

test('attachPino sends nothing when the official instrumentation sends the records', async () => {
  const result = await run(
    `const { PinoInstrumentation } = require('@opentelemetry/instrumentation-pino')
    new PinoInstrumentation()
    require('pino')({ name: 'shop' }).info('hello')`,
    { module: 'cjs' },
  )
  expect(result.records.map(({ scope, body }) => [scope.name, body])).toEqual([
    ['@opentelemetry/instrumentation-pino', 'hello'],
  ])
  expect(result.stderr).toMatch(/leaves pino loggers alone/)
})
