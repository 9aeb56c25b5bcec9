import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, it, test } from 'vitest'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { codeBlocks } from '@logbridge/test-support/programs'
import { installProject } from '@logbridge/test-support/project'
import { ONE_BY_EACH, soldOut, startReceiver } from '@logbridge/test-support/receiver'
import { rootFolder } from '@logbridge/test-support/run'

const receiver = await startReceiver()
const project = await installProject('runners')
const vmModules = { NODE_OPTIONS: '--experimental-vm-modules' }

it('Jest runs an ES module whose records arrive', async () => {
  await project.run('npx', ['jest', 'modules.test.js'], { ...receiver.grpc, ...vmModules })
  expect(receiver.take()).toEqual(ONE_BY_EACH)
})

it('Jest runs CommonJS, and an error of another realm arrives as an exception', async () => {
  await project.run('npx', ['jest', '--testMatch', '**/*.test.cjs'], receiver.grpc)
  expect(receiver.take()).toEqual([
    {
      ...soldOut('winston'),
      exception: ['TypeError', expect.stringContaining('key.key')],
    },
  ])
})

it('vitest runs an ES module whose records arrive', async () => {
  await project.run('npx', ['vitest', 'run', 'modules', '--globals'], receiver.grpc)
  expect(receiver.take()).toEqual(ONE_BY_EACH)
})

test('bridgeConsole leaves the place of a call as Jest prints it', async () => {
  const printed = await project.run('sh', ['-c', 'npx jest origin.test.js 2>&1'], vmModules)
  const places = printed.match(/at .*\.js:\d+/g)
  expect(places).toEqual(Array.from({ length: 4 }, () => expect.stringMatching(/at \S+ \(origin\.test\.js:/)))
})

test('an adapter is no leak to Jest when no provider is registered', async () => {
  await project.run('npx', ['jest', '--detectLeaks', 'leaks.test.js'], vmModules)
})

// Jest collects garbage twice, and the native objects of HTTP/2 sessions may need a third collection. A leak fails each try.
test.each([
  ['grpc', receiver.grpc],
  ['http/protobuf', receiver.http],
])(
  'Telemetry is no leak to Jest over %s when it is shut down after a span and a record',
  { retry: 4 },
  async (protocol, to) => {
    const code = `
    import { startTelemetry } from '@logbridge/core'
    import { trace } from '@opentelemetry/api'
    const telemetry = startTelemetry()
    afterAll(telemetry.shutdown)
    test('a span', () => {
      telemetry.loggerProvider.getLogger('shop').emit({ body: 'order placed' })
      trace.getTracer('shop').startSpan('order').end()
    })`
    await writeFile(join(project.folder, 'span.test.js'), code)
    const env = { ...vmModules, ...to, OTEL_EXPORTER_OTLP_PROTOCOL: protocol }
    receiver.take()
    await project.run('npx', ['jest', '--detectLeaks', 'span.test.js'], env)
    expect(receiver.take()).toHaveLength(1)
  },
)

/** Programs of docs/testing.md, each with its file name in the first line. */
const documented = new Map(
  codeBlocks(await readFile(join(rootFolder, 'docs/testing.md'), 'utf8'), 'js').map((code) => [
    /(?<=^\/\/ )\S+/.exec(code)?.[0],
    code,
  ]),
)
beforeAll(async () => {
  for (const [name, code] of documented) await writeFile(join(project.folder, name!), code)
})

test.each([
  ['Jest', 'orders.jest.test.js', ['npx', 'jest']],
  ['Vitest', 'orders.vitest.test.js', ['npx', 'vitest', 'run']],
  ['node:test', 'orders.node.test.js', ['node', '--test']],
] as const)('%s runs %s of docs/testing.md', async (_, name, [command, ...args]) => {
  expect([...documented.keys()]).toContain(name)
  await project.run(command, [...args, name], vmModules)
})

test('shutdown ends within the time of a hook of Jest, with one warning, when no receiver runs', async () => {
  const env = { ...vmModules, OTEL_EXPORTER_OTLP_ENDPOINT: await unreachableUrl() }
  const printed = await project.run('sh', ['-c', 'npx jest telemetry.jest.test.js 2>&1'], env)
  expect(printed.match(/^logbridge: .*$/gm)).toEqual([
    expect.stringContaining(' failed, dropping 1 log record unless an export succeeds within 3 s '),
  ])
})
