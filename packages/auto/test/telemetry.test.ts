import { describe, expect, test } from 'vitest'
import { essence, useViewer } from './programs.ts'

const run = useViewer()

/** Prints `started` when core runs in this thread. */
const PRINT_STATE = `console.log(globalThis[Symbol.for('logbridge.telemetry.1')] ? 'started' : 'not started')`

describe('startTelemetry starts', () => {
  test.each([
    ['winston', `require('winston').createLogger()`],
    ['pino', `require('pino')({}, { write() {} })`],
    ['bunyan', `require('bunyan').createLogger({ name: 'shop' })`],
    ['log4js', `require('log4js').getLogger()`],
  ])('core at the first logger when a program uses %s', async (library, create) => {
    const { stdout } = await run(`require('${library}'); ${PRINT_STATE}; ${create}; ${PRINT_STATE}`, {
      module: 'cjs',
    })
    expect(stdout).toBe('not started\nstarted\n')
  })

  test('core at the first server when a program has no logger', async () => {
    const { stdout } = await run(`
      import { createServer } from 'node:http'
      const server = createServer()
      ${PRINT_STATE}
      server.listen(0, () => {
        ${PRINT_STATE}
        server.close()
      })`)
    expect(stdout).toBe('not started\nstarted\n')
  })

  test.each([
    ['LOGBRIDGE_TELEMETRY is off', { LOGBRIDGE_TELEMETRY: 'off' }],
    ['OTEL_SDK_DISABLED is true', { OTEL_SDK_DISABLED: 'true' }],
    ['LOGBRIDGE_DISABLED is 1', { LOGBRIDGE_DISABLED: '1' }],
  ])('nothing when %s', async (_, env) => {
    const { stdout, records } = await run(
      `import { createLogger } from 'bunyan'
      createLogger({ name: 'shop', stream: { write() {} } }).info('hello')
      ${PRINT_STATE}`,
      { env },
    )
    expect(stdout).toBe('not started\n')
    expect(records).toEqual([])
  })

  test('nothing in a worker thread of pino whose transport logs by another library', async () => {
    const { stdout, records } = await run(
      `import pino from 'pino'
      import { writeFileSync } from 'node:fs'
      const target = new URL('target.mjs', import.meta.url)
      writeFileSync(target, \`
        import { createLogger } from 'bunyan'
        import { Writable } from 'node:stream'
        export default () => {
          const logger = createLogger({ name: 'of the worker' })
          return new Writable({ write(chunk, encoding, done) { logger.info('written'); ${PRINT_STATE}; done() } })
        }\`)
      const transport = pino.transport({ target: target.href, worker: { autoEnd: false } })
      pino(transport).info('hello')
      setTimeout(() => process.exit(), 500)`,
      { args: [], env: { NODE_OPTIONS: '--import @logbridge/auto' } },
    )
    expect(stdout).toContain('not started')
    expect(records.map(({ body }) => body)).toEqual(['hello'])
  })
})

describe('startTelemetry leaves', () => {
  const SDK = `
    import { logs } from '@opentelemetry/api'
    import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
    const exporter = new InMemoryLogRecordExporter()
    logs.setGlobalLoggerProvider(new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] }))`

  test('an SDK that the application has registered', async () => {
    const result = await run(`
      ${SDK}
      import { createLogger } from 'bunyan'
      createLogger({ name: 'shop', stream: { write() {} } }).info('hello')
      console.log(exporter.getFinishedLogRecords().map(({ body }) => body).join())`)
    expect(result).toMatchObject({ stdout: 'hello\n', stderr: '', records: [] })
  })

  test('an SDK that the application registers after the first record, with LOGBRIDGE_TELEMETRY=off', async () => {
    const result = await run(
      `import { createLogger } from 'bunyan'
      createLogger({ name: 'shop', stream: { write() {} } }).info('early')
      ${SDK}
      createLogger({ name: 'shop', stream: { write() {} } }).info('hello')
      console.log(exporter.getFinishedLogRecords().map(({ body }) => body).join())`,
      { env: { LOGBRIDGE_TELEMETRY: 'off' } },
    )
    expect(result).toMatchObject({ stdout: 'early,hello\n', stderr: '', records: [] })
  })

  test('its place to startTelemetry() of the application, and delivers the records before', async () => {
    const result = await run(`
      import { createLogger } from 'bunyan'
      import { startTelemetry } from '@logbridge/core'
      const logger = createLogger({ name: 'shop' })
      logger.info('early')
      startTelemetry({ serviceName: 'by code' })
      logger.info('hello')`)
    expect(result.records.map(({ body, resource }) => [body, resource.attributes['service.name']])).toEqual([
      ['early', expect.stringMatching(/^unknown_service:/)],
      ['hello', 'by code'],
    ])
    expect(result.stderr).toBe('')
  })
})

test('startTelemetry says to start an SDK when LOGBRIDGE_TELEMETRY is off and none is registered', async () => {
  const { stderr } = await run(`import pino from 'pino'; pino({}, { write() {} }).info('hello')`, {
    env: { LOGBRIDGE_TELEMETRY: 'off' },
  })
  expect(stderr).toBe(
    'logbridge: no OpenTelemetry LoggerProvider is registered, 1 log record not sent so far. Start your own OpenTelemetry SDK with a ' +
      'log record processor, or leave out LOGBRIDGE_TELEMETRY, by which @logbridge/auto starts none\n',
  )
})

test('startTelemetry delivers the last records when the program calls process.exit', async () => {
  const result = await run(`
    import { createLogger } from 'winston'
    createLogger().info('hello')
    process.exit()`)
  expect(essence(result)).toEqual([['winston', 'info', 'hello']])
})

test.each([
  ['OTEL_SDK_DISABLED', 'yes', "'true' or 'false'"],
  ['OTEL_SDK_DISABLED', '1', "'true' or 'false'"],
  ['LOGBRIDGE_TELEMETRY', 'none', "'off' or 'on'"],
  ['LOGBRIDGE_CONSOLE', 'yes', "'1' or 'true' or '0' or 'false'"],
  ['LOGBRIDGE_INJECT', 'yes', "'1' or 'true' or '0' or 'false'"],
  ['LOGBRIDGE_PRELOAD', 'wintson', "'bunyan' or 'log4js' or 'pino' or 'winston'"],
])('startTelemetry warns, and sends records, when %s is %s', async (name, value, accepted) => {
  const sent = await run(`import pino from 'pino'; pino({}, { write() {} }).info('hello')`, {
    env: { [name]: value },
  })
  expect(sent.stderr).toBe(`logbridge: ${name} is ignored: '${value}' is not ${accepted}\n`)
  expect(essence(sent)).toEqual([['pino', 'info', 'hello']])
})

test('attach leaves libraries alone that LOGBRIDGE_DISABLED names', async () => {
  const result = await run(
    `import bunyan from 'bunyan'
    import pino from 'pino'
    import winston from 'winston'
    winston.createLogger().info('by winston')
    pino().info('by pino')
    bunyan.createLogger({ name: 'shop' }).info('by bunyan')`,
    { env: { LOGBRIDGE_DISABLED: 'winston, Pino' } },
  )
  expect(essence(result)).toEqual([['shop', 'info', 'by bunyan']])
})

test('attachConsole leaves the console alone when LOGBRIDGE_DISABLED names it', async () => {
  const { records } = await run(`console.log('hello')`, {
    env: { LOGBRIDGE_CONSOLE: '1', LOGBRIDGE_DISABLED: 'console' },
  })
  expect(records).toEqual([])
})

test('attachConsole sends console calls when LOGBRIDGE_CONSOLE is set', async () => {
  const code = `console.warn('hello')`
  expect(essence(await run(code, { env: { LOGBRIDGE_CONSOLE: '1' } }))).toEqual([
    ['console', 'warn', 'hello'],
  ])
  expect((await run(code)).records).toEqual([])
})

describe('attach behind a loader that supplies the sources of CommonJS', () => {
  const HOOKS = `
    import { readFile } from 'node:fs/promises'
    import { fileURLToPath } from 'node:url'
    export async function load(url, context, next) {
      const loaded = await next(url, context)
      if (loaded.format !== 'commonjs') return loaded
      return { ...loaded, source: await readFile(fileURLToPath(url), 'utf8') }
    }`
  const LOADER = `require('node:module').register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(HOOKS))})`
  const CODE = `
    const { createServer } = require('node:http')
    import('bunyan').then(({ createLogger }) => {
      const logger = createLogger({ name: 'shop' })
      logger.info('early')
      const server = createServer().listen(0, () => {
        logger.info('hello')
        server.close()
      })
    })`

  test('sends all records when LOGBRIDGE_PRELOAD names the library', async () => {
    const result = await run(`${LOADER}; ${CODE}`, { module: 'cjs', env: { LOGBRIDGE_PRELOAD: 'bunyan' } })
    expect(result.records.map(({ body }) => body)).toEqual(['early', 'hello'])
    expect(result.stderr).toBe('')
  })

  test('sends the records after a server listens, and warns, when LOGBRIDGE_PRELOAD is not set', async () => {
    const result = await run(`${LOADER}; ${CODE}`, { module: 'cjs' })
    expect(result.records.map(({ body }) => body)).toEqual(['hello'])
    expect(result.stderr).toMatch(/^logbridge: bunyan was loaded past .* Set LOGBRIDGE_PRELOAD=bunyan\n$/)
  })
})

describe('explainNoLogger', () => {
  const LINE =
    'logbridge: @logbridge/auto finds no logger of winston, pino, bunyan, or log4js in this process. ' +
    'Calls of console are sent with @logbridge/console and LOGBRIDGE_CONSOLE=1\n'
  const SERVER = `
    const server = require('node:http').createServer().listen(0, () => { console.log('hello'); process.kill(process.pid) })`

  test.each(['info', 'DEBUG'])(
    'says why nothing arrives from the console when OTEL_LOG_LEVEL is %s',
    async (level) => {
      const { stdout, stderr } = await run(`console.log('hello')`, { env: { OTEL_LOG_LEVEL: level } })
      expect([stdout, stderr]).toEqual(['hello\n', LINE])
    },
  )

  test('says it when a server listens, which a signal ends', async () => {
    const ended = run(SERVER, { module: 'cjs', env: { OTEL_LOG_LEVEL: 'info' } })
    await expect(ended).rejects.toMatchObject({
      signal: 'SIGTERM',
      stderr: expect.stringContaining(LINE) as string,
    })
  })

  test.each([
    ['OTEL_LOG_LEVEL is not set', {}, ''],
    ['OTEL_LOG_LEVEL is warn', { OTEL_LOG_LEVEL: 'warn' }, ''],
    ['there is a logger', { OTEL_LOG_LEVEL: 'info' }, `require('pino')({}, { write() {} })`],
    ['the console is sent', { OTEL_LOG_LEVEL: 'info', LOGBRIDGE_CONSOLE: '1' }, ''],
  ])('says nothing when %s', async (_, env, code) => {
    const { stderr } = await run(`console.log('hello'); ${code}`, { module: 'cjs', env })
    expect(stderr).not.toContain('finds no logger')
  })
})
