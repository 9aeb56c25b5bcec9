import { cp, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ReceivedLogRecord, type ReceivedSpan, startViewer } from '@logbridge/viewer'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { installProject, NPM_INSTALL } from '@logbridge/test-support/project'

/** Build command of each bundler with the plugin, and the extensions of its bundles. */
const BUNDLERS = [
  { bundler: 'esbuild', build: 'node esbuild.config.js', formats: ['mjs', 'cjs'] },
  { bundler: 'webpack', build: 'npx webpack', formats: ['mjs', 'cjs'] },
  { bundler: 'Rspack', build: 'npx rspack build', formats: ['mjs', 'cjs'] },
  { bundler: 'Rollup', build: 'npx rollup -c', formats: ['mjs', 'cjs'] },
  { bundler: 'Vite SSR', build: 'npx vite build', formats: ['mjs'] },
]
const LIBRARIES = ['bunyan', 'log4js', 'pino', 'winston']

const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
afterAll(() => viewer.close())
let records: ReceivedLogRecord[] = []
let spans: ReceivedSpan[] = []
viewer.on('logs', (arrived) => records.push(...arrived))
viewer.on('spans', (arrived) => spans.push(...arrived))

const project = await installProject('bundlers')
beforeAll(() => project.run('npm', [...NPM_INSTALL, '@logbridge/core']))
const dist = join(project.folder, 'dist')

/** @returns what the build prints */
async function bundle(build: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  await rm(dist, { recursive: true, force: true })
  return project.run('sh', ['-c', `(${build}) 2>&1`], { ENTRY: 'app', AUTO: '1', ...env })
}

/** Runs a program, and expects one record of each library, all of one trace. */
async function expectEachOnce(command: string, libraries: readonly string[] = LIBRARIES): Promise<void> {
  records = []
  spans = []
  const output = await project.run('sh', ['-c', `${command} 2>&1`], {
    OTEL_EXPORTER_OTLP_ENDPOINT: viewer.httpUrl,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_NODE_RESOURCE_DETECTORS: 'none',
  })
  expect(output).not.toContain('logbridge:')
  expect(records.map(({ body }) => String(body)).toSorted()).toEqual(libraries.map((name) => `by ${name}`))
  expect(new Set(records.map(({ scope }) => scope.name))).not.toContain('unknown')
  const [traceId, ...others] = new Set(records.map((record) => record.traceId))
  expect(traceId).toMatch(/^[\da-f]{32}$/)
  expect(others).toEqual([])
}

/** Expects one span of the server, in whose trace the record is. */
function expectServerSpan(): void {
  const ofServer = spans.filter(({ kind }) => kind === 'server')
  expect(ofServer.map(({ traceId }) => traceId)).toEqual([records[0].traceId])
}

describe.each(BUNDLERS)('$bundler', ({ build, formats }) => {
  test('bundler attaches each library when the bundle runs without node_modules, and beside the preload', async () => {
    await bundle(build)
    // A folder without node_modules.
    const alone = await mkdtemp(join(inject('projects'), 'alone-'))
    await cp(dist, alone, { recursive: true })
    for (const format of formats) {
      await expectEachOnce(`cd ${alone} && node app.${format}`)
      await expectEachOnce(`node --import @logbridge/auto dist/app.${format}`)
    }
  })

  test('bundler attaches libraries that are external when others are in the bundle', async () => {
    await bundle(build, { EXTERNAL: 'pino,winston' })
    for (const format of formats) {
      await expectEachOnce(`node dist/app.${format}`)
      await expectEachOnce(`node --import @logbridge/auto dist/app.${format}`)
    }
  })
})

describe('with an instrumentation beside the bundle', () => {
  beforeAll(() => project.run('npm', [...NPM_INSTALL, '@opentelemetry/instrumentation-http@0.301.0']))

  test.each(['mjs', 'cjs'])(
    'bundler instruments node:http when the bundle is app.%s, and log and span have one trace',
    async (format) => {
      await bundle('node esbuild.config.js', { ENTRY: 'server' })
      await expectEachOnce(`node dist/server.${format}`, ['pino'])
      expectServerSpan()
      await expectEachOnce(`node --import @logbridge/auto dist/server.${format}`, ['pino'])
      expectServerSpan()
    },
  )
})

describe('without the adapter of log4js', () => {
  beforeAll(() => project.run('npm', ['uninstall', ...NPM_INSTALL.slice(1), '@logbridge/log4js']))

  test.each(BUNDLERS)(
    'bundler warns, and attaches the other libraries, when $bundler builds',
    async ({ build, formats }) => {
      expect(await bundle(build)).toContain(
        'log4js records of the bundle are not sent: run npm install @logbridge/log4js',
      )
      const others = LIBRARIES.filter((name) => name !== 'log4js')
      for (const format of formats) await expectEachOnce(`node dist/app.${format}`, others)
      expect(await bundle(build, { LOGBRIDGE_DISABLED: 'log4js' })).not.toContain('@logbridge/log4js')
    },
  )
})
