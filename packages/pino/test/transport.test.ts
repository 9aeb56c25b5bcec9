import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { LoggerProviderOptions, ShutdownOptions } from '@logbridge/core'
import { type ReceivedLogRecord, startViewer, type Viewer } from '@logbridge/viewer'
import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from 'vitest'
import transport, { type DeliveryOptions, type TransportOptions } from '../src/index.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const APPLICATION = fileURLToPath(new URL('fixtures/application.mjs', import.meta.url))

let viewer: Viewer
let received: ReceivedLogRecord[]

beforeEach(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  received = []
  viewer.on('logs', (records) => received.push(...records))
})
afterEach(() => viewer.close())

/** Runs the application to its end. */
async function run(library: string, scenario: string, options: object = {}, application = APPLICATION) {
  const json = JSON.stringify({ endpoint: viewer.grpcUrl, serviceName: 'test', ...options })
  const child = spawn(process.execPath, [application, library, scenario, json])
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null, string | null]>,
  ])
  return { stdout, stderr, code, signal }
}

const FINE = { stdout: '', stderr: '', code: 0, signal: null }

describe.each(['pino', 'pino8', 'pino9'])('the worker of %s', (library) => {
  test('delivers each part of a line when the process ends', async () => {
    expect(await run(library, 'single')).toEqual(FINE)
    expect(received).toHaveLength(3)
    const [first, second, third] = received
    expect(first!.resource.attributes['service.name']).toBe('test')
    expect(first!.scope.name).toBe('shop')
    expect(first).toMatchObject({
      severityNumber: 13,
      severityText: 'warn',
      body: 'in a span',
      traceId: '1'.repeat(32),
      spanId: '1'.repeat(16),
      flags: 1,
    })
    expect({ ...first!.attributes }).toEqual({ a: { b: [1] }, id: 2n ** 60n + 1n })
    expect(second).toMatchObject({ body: 'boom', severityNumber: 17, traceId: '2'.repeat(32) })
    expect(second!.attributes).toMatchObject({
      'exception.type': 'TypeError',
      'exception.message': 'boom',
      err: { code: 'E1' },
      request: 7,
    })
    expect(second!.attributes['exception.stacktrace']).toMatch(/^TypeError: boom\n\s+at /)
    expect(third).toMatchObject({
      severityText: 'debug',
      severityNumber: 5,
      traceId: '',
      spanId: '',
      flags: 0,
    })
    expect({ ...third!.attributes }).toEqual({ name: 'Ada', trace_id: 'none' })
  })

  test('reads lines when the logger has other keys and levels', async () => {
    const options = { nestedKey: 'payload', level: 'notice', attributes: { tier: 'gold' } }
    expect(await run(library, 'configured', options)).toEqual(FINE)
    const [first, second] = received
    expect(received).toHaveLength(2)
    expect(first).toMatchObject({
      severityNumber: 11,
      severityText: 'notice',
      body: 'hello',
      traceId: '1'.repeat(32),
    })
    expect(first!.attributes).toEqual({ payload: { region: 'eu', msg: 'a field' }, tier: 'gold' })
    expect(first!.timeUnixNano).toBeLessThanOrEqual(BigInt(Date.now() + 1000) * 1_000_000n)
    expect(first!.timeUnixNano).toBeGreaterThan(BigInt(Date.now() - 60_000) * 1_000_000n)
    expect(second).toMatchObject({ body: 'boom' })
    expect(second!.attributes).toMatchObject({ 'exception.type': 'RangeError' })
  })

  test('uses the configuration of the logger when it comes before the first line', async () => {
    expect(await run(library, 'configuredLate', { level: 'notice' })).toEqual(FINE)
    expect(received).toMatchObject([{ body: 'hello', severityNumber: 11, severityText: 'notice' }])
  })

  test('reads a level when the level is a name', async () => {
    expect(await run(library, 'levelAsText')).toEqual(FINE)
    expect(received).toMatchObject([{ severityNumber: 13, severityText: 'warn', body: 'hello' }])
  })

  test('sends an attribute when the field name is not the name of the logger', async () => {
    expect(await run(library, 'unnamed')).toEqual(FINE)
    expect(received.map(({ scope, attributes }) => [scope.name, { ...attributes }])).toEqual([
      ['pino', {}],
      ['pino', { name: 'Ada' }],
    ])
  })

  test('delivers records when it is one of several targets', async () => {
    const { stdout, stderr, code } = await run(library, 'targets')
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ message: 'to the file' })
    expect(received).toMatchObject([
      { body: 'to OpenTelemetry', traceId: '1'.repeat(32), scope: { name: 'shop' } },
    ])
    expect({ ...received[0]!.attributes }).toEqual({ a: 1 })
  })

  test('delivers records when it is the end of a pipeline', async () => {
    expect(await run(library, 'pipeline')).toEqual(FINE)
    expect(received).toMatchObject([{ body: 'a ******' }])
  })

  // A pipeline among targets came with pino 9.
  test.skipIf(library === 'pino8')(
    'delivers records by level when it is a target and in a pipeline',
    async () => {
      expect(await run(library, 'targetsAndPipeline')).toEqual(FINE)
      const arrived = received.map(({ scope, severityText, body }) => [scope.name, severityText, body])
      expect(arrived.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
        ['pipeline', 'error', 'a ******'],
        ['target', 'error', 'a secret'],
        ['target', 'notice', 'a secret'],
      ])
    },
  )

  test('delivers records when pino sends no configuration', async () => {
    expect(await run(library, 'wrapped')).toEqual(FINE)
    expect(received).toMatchObject([{ body: 'wrapped' }])
  })

  test.each([
    ['the end', 'end', 0],
    ['process.exit', 'exit', 0],
    ['process.exit, beside another target', 'exitWithTargets', 0],
    ['process.exit, through a pipeline', 'exitWithPipeline', 0],
    ['an uncaught error', 'crash', 1],
  ])('delivers all records when the process ends by %s', async (_, scenario, expectedCode) => {
    const { stdout, stderr, code } = await run(library, scenario)
    expect({ stdout, code }).toEqual({ stdout: '', code: expectedCode })
    // The line about a wait comes on a busy machine alone.
    const printed = stderr.replace(/^logbridge: still waiting for .*\n/, '')
    expect(printed).toMatch(scenario === 'crash' ? /Error: crashed\n/ : /^$/)
    const numbers = received.map(({ attributes }) => attributes['n'])
    expect(numbers).toEqual(Array.from({ length: 5000 }, (_, n) => n))
  })

  test('sends a text when the line is no record', async () => {
    expect(await run(library, 'notJSON')).toEqual(FINE)
    expect(received.map(({ body, severityNumber }) => [body, severityNumber])).toEqual([
      ['a record', 9],
      ['not JSON', 0],
    ])
  })

  test('reports what to install, and the application runs, when @logbridge/core is missing', async () => {
    const folder = await installWithoutCore()
    try {
      const { stdout, stderr, code } = await run(library, 'targets', {}, join(folder, 'application.mjs'))
      expect(stderr).toMatch(/^logbridge: .* run npm install @logbridge\/core\n$/)
      expect(JSON.parse(stdout)).toMatchObject({ message: 'to the file' })
      expect(code).toBe(0)
      expect(received).toEqual([])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

test.each([
  ['of core', { maxQueueSize: -1 }, /maxQueueSize/],
  ['of the adapter', { redact: 'password' }, /redact/],
  ['that is unknown', { color: 'red' }, /color/],
  ['of level', { level: 'loud' }, /level is "loud"/],
  ['that takes longer than pino waits', { flushTimeoutMillis: 9001 }, /from 0 to 9000/],
  [
    'that only the main thread can honor',
    { shutdownSignals: ['SIGTERM'] },
    /shutdownSignals .*flushOnSignals/,
  ],
  ['for exceptions', { captureUncaughtExceptions: true }, /captureUncaughtExceptions .*startTelemetry/],
  ['for the exit', { flushOnExit: true }, /flushOnExit .*Leave it out/],
  ['for registration', { register: true }, /register .*Leave it out/],
  ['that is a provider', { loggerProvider: { getLogger() {} } }, /loggerProvider .*otelStream/],
  ['that is a function', { onError() {} }, /onError .*otelStream/],
  ['that is a function of core', { onDrop() {} }, /onDrop .*createLoggerProvider/],
  ['that is a function for headers', { headers: () => ({}) }, /headers .*otelStream/],
  ['that is a function for redact', { redact() {} }, /redact .*otelStream/],
  ['of the call', { captureCode: true }, /captureCode .*otelStream/],
  ['of the template', { captureTemplate: true }, /captureTemplate .*Leave it out/],
])('transport rejects when there is an option %s', async (_, options, message) => {
  await expect(transport(options as TransportOptions)).rejects.toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(message) as string,
    }) as Error,
  )
})

test('transport emits an error when an option is wrong', async () => {
  const { stderr, code } = await run('pino', 'single', { color: 'red' })
  expect(stderr).toMatch(/there is no option color/)
  expect(code).not.toBe(0)
})

test('transport emits an error when the logger has no such level', async () => {
  const { stderr, code } = await run('pino', 'single', { level: 'loud' })
  expect(stderr).toMatch(/level is "loud"/)
  expect(code).not.toBe(0)
})

test('DeliveryOptions has the options of core when they can be posted to a worker', () => {
  type Known = Exclude<
    keyof LoggerProviderOptions,
    'agent' | 'register' | 'processors' | 'onDrop' | 'meterProvider' | keyof ShutdownOptions
  >
  expectTypeOf<keyof DeliveryOptions>().toEqualTypeOf<Known>()
  expectTypeOf<DeliveryOptions>().toExtend<LoggerProviderOptions>()
})

test('transport delivers records when logger.flush of pino 10 is called', async () => {
  const { stdout, signal } = await run('pino', 'flush', { scheduledDelayMillis: 600_000 })
  expect({ stdout, signal }).toEqual({ stdout: 'flushed\n', signal: 'SIGKILL' })
  expect(received).toMatchObject([{ body: 'flushed' }])
})

test('transport delivers the last line when the line has no end', async () => {
  const stream = await transport({ endpoint: viewer.grpcUrl })
  stream.end('{"level":30,"time":1700000000123,"msg":"hello"}')
  await once(stream, 'close')
  expect(received).toMatchObject([{ body: 'hello', timeUnixNano: 1_700_000_000_123_000_000n }])
})

test('transport reads lines when chunks cut them anywhere', async () => {
  const stream = await transport({ endpoint: viewer.grpcUrl })
  const bytes = Buffer.from('{"msg":"grün"}\r\n{"msg":"blau"}\n\n{"msg":"ocker"}\n')
  for (let n = 0; n < bytes.length; n += 1) stream.write(bytes.subarray(n, n + 1))
  stream.end()
  await once(stream, 'close')
  expect(received.map(({ body }) => body)).toEqual(['grün', 'blau', 'ocker'])
})

/** The application and the packages that it needs, as npm installs them when @logbridge/core is not asked for. */
async function installWithoutCore(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'logbridge-pino-')))
  const modules = join(folder, 'node_modules')
  await mkdir(join(modules, '@opentelemetry'), { recursive: true })
  for (const part of ['dist', 'package.json'])
    await cp(join(PACKAGE, part), join(modules, '@logbridge/pino', part), { recursive: true })
  for (const name of [
    '@logbridge/bridge',
    '@opentelemetry/api',
    '@opentelemetry/context-async-hooks',
    'pino',
    'pino-std-serializers',
    'pino8',
    'pino9',
  ])
    await symlink(await realpath(join(PACKAGE, 'node_modules', name)), join(modules, name))
  await cp(APPLICATION, join(folder, 'application.mjs'))
  return folder
}

test('transport searches each chunk once when a line comes in many chunks', async () => {
  const stream = await transport({ endpoint: viewer.grpcUrl })
  const chunk = 'x'.repeat(1000)
  const spies = [vi.spyOn(String.prototype, 'includes'), vi.spyOn(String.prototype, 'indexOf')]
  for (let count = 1; count < 100; count += 1) stream.write(chunk)
  await new Promise((resolve) => stream.write(chunk, resolve))
  const looked = spies.flatMap(({ mock }) => mock.contexts.filter((_, at) => mock.calls[at]![0] === '\n'))
  vi.restoreAllMocks()
  expect(looked.map((text) => String(text).length)).toEqual(Array.from({ length: 100 }, () => 1000))
  stream.end()
  await once(stream, 'finish')
})

describe('the worker of pino beside startTelemetry()', () => {
  async function runBeside(telemetryOptions: string, options: object = {}, env: object = {}) {
    const program = `
      import { startTelemetry } from '@logbridge/core'
      import pino from 'pino'
      startTelemetry({ serviceName: 'shop', traces: false, metrics: false, ${telemetryOptions} })
      pino({ transport: { target: '@logbridge/pino', options: ${JSON.stringify(options)} } }).info('placed')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: PACKAGE,
      env: { ...process.env, ...env },
    })
    const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')])
    return stderr
  }
  const services = (): unknown[] => received.map(({ resource }) => resource.attributes['service.name'])

  test('sends to its endpoint as its service', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
    expect(await runBeside(`endpoint: '${viewer.grpcUrl}'`, {}, env)).toBe('')
    expect(await runBeside(`logs: { endpoint: '${viewer.httpUrl}/v1/logs' }`, {}, env)).toBe('')
    expect(services()).toEqual(['shop', 'shop'])
  })

  test('sends to the endpoint of the transport, without the headers of startTelemetry(), when the transport has one', async () => {
    const options = { endpoint: viewer.grpcUrl, serviceName: 'worker' }
    expect(await runBeside(`endpoint: 'http://127.0.0.1:1', headers: () => ({})`, options)).toBe('')
    expect(services()).toEqual(['worker'])
  })

  test('says which options to give the transport when they cannot be posted to a worker', async () => {
    expect(await runBeside(`endpoint: '${viewer.grpcUrl}', headers: () => ({})`)).toMatch(
      /^logbridge: @logbridge\/pino: pino's worker cannot use headers of startTelemetry\(\), .* or use otelStream\(\) in the main thread\n$/,
    )
    expect(services()).toEqual(['shop'])
  })
})
