import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyProject, installProject, type Project } from '@logbridge/test-support/project'
import { configureYarn4, YARN_4 } from '@logbridge/test-support/yarn'

type Program = 'app.mjs' | 'app.cjs' | 'app.mts'
type Row = readonly [version: string, other: string, order: 'before' | 'after', program: Program]

const AUTO = ['--import', '@logbridge/auto']
/** Arguments of other preloads, which stand before or after ours. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  tsx: ['--import', 'tsx'],
  'dd-trace': ['--import', 'dd-trace/initialize.mjs'],
  'dd-trace by --require': ['--require', 'dd-trace/init'],
  "dd-trace's loader hook": ['--import', 'dd-trace/register.js'],
  '@sentry/node': ['--import', './sentry.mjs'],
  'auto-instrumentations-node': ['--import', '@opentelemetry/auto-instrumentations-node/register'],
  'import-in-the-middle, asynchronous': ['--import', './iitmAsync.mjs'],
  'import-in-the-middle, synchronous': ['--import', './iitmSync.mjs'],
  "@opentelemetry/instrumentation's loader hook": ['--import', './otelHook.mjs'],
}
const BOTH = ['before', 'after'] as const

/** Rows that CI runs. */
const SOME: readonly Row[] = [
  ['22.15.0', 'nothing', 'after', 'app.mjs'],
  ['24', 'nothing', 'after', 'app.cjs'],
  ['24', 'tsx', 'before', 'app.mts'],
  ['24', 'dd-trace', 'before', 'app.mjs'],
  ['26', '@sentry/node', 'after', 'app.mjs'],
  ['22.15.0', 'import-in-the-middle, asynchronous', 'before', 'app.mjs'],
  ['26', 'import-in-the-middle, synchronous', 'after', 'app.mjs'],
  ['24', 'auto-instrumentations-node', 'before', 'app.cjs'],
]
/** All rows: each mechanism on two versions, the preloads of others in both orders, both kinds of modules. */
const ALL: readonly Row[] = [
  ...['22', '24', '26'].flatMap((version) => rows(version, 'nothing', ['after'])),
  ...['22.15.0', '24'].flatMap((version) => rows(version, 'dd-trace')),
  ...['22', '26'].flatMap((version) => rows(version, "dd-trace's loader hook")),
  ...['24', '26'].flatMap((version) => rows(version, 'dd-trace by --require', ['after'])),
  ...['22.15.0', '24', '26'].flatMap((version) => rows(version, '@sentry/node')),
  ...['22', '26'].flatMap((version) => rows(version, 'auto-instrumentations-node')),
  ...['22', '24'].flatMap((version) => rows(version, 'import-in-the-middle, asynchronous')),
  ...['24', '26'].flatMap((version) => rows(version, 'import-in-the-middle, synchronous')),
  ...['22', '24'].flatMap((version) => rows(version, "@opentelemetry/instrumentation's loader hook")),
  ...['22', '26'].flatMap((version) => rows(version, 'tsx', BOTH, ['app.mts'])),
]

function rows(
  version: string,
  other: string,
  orders: readonly ('before' | 'after')[] = BOTH,
  programs: readonly Program[] = ['app.mjs', 'app.cjs'],
): Row[] {
  return orders.flatMap((order) => programs.map((program) => [version, other, order, program] as const))
}

const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
afterAll(() => viewer.close())
let records: ReceivedLogRecord[] = []
viewer.on('logs', (arrived) => records.push(...arrived))

/** Runs a program, and expects each record once, all of one trace. */
async function expectEachOnce(project: Project, command: string): Promise<void> {
  records = []
  await project.run('sh', ['-c', command], {
    OTEL_EXPORTER_OTLP_ENDPOINT: viewer.httpUrl,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_NODE_RESOURCE_DETECTORS: 'none',
    DD_TRACE_STARTUP_LOGS: 'false',
    DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
    DD_REMOTE_CONFIG_ENABLED: 'false',
  })
  expect(records.map(({ body }) => String(body)).toSorted()).toEqual([
    'by bunyan',
    'by log4js',
    'by pino',
    'by winston',
  ])
  const [traceId, ...others] = new Set(records.map((record) => record.traceId))
  expect(traceId).toMatch(/^[\da-f]{32}$/)
  expect(others).toEqual([])
}

describe('installed by npm', async () => {
  const project = await installProject('auto')

  async function expectRow(...[version, other, order, program]: Row): Promise<void> {
    const preloads = order === 'before' ? [...OTHERS[other], ...AUTO] : [...AUTO, ...OTHERS[other]]
    await expectEachOnce(project, `npx -y -p node@${version} -- node ${preloads.join(' ')} ${program}`)
  }
  const TITLE = 'auto sends each record once on Node.js %s when %s is loaded %s it and the program is %s'
  test.each(SOME)(TITLE, expectRow)
  test.each(ALL)(TITLE, { tags: 'long' }, expectRow)

  const TOO_OLD: readonly (readonly [version: string, command: string, line: RegExp])[] = [
    [
      '18',
      'node -r @logbridge/auto app.cjs',
      /^logbridge: @logbridge\/auto does nothing, because it needs Node\.js 20\.6 or later; this is 18\./,
    ],
    [
      '20',
      'node -r @logbridge/auto app.cjs',
      /^logbridge: @logbridge\/auto sends nothing, because @logbridge\/core needs Node\.js 22\.15 or later; this is 20\./,
    ],
    [
      '18',
      `node -e "require('@logbridge/core').startTelemetry()"`,
      /@logbridge\/core needs Node\.js 22\.15 or later; this is 18\./,
    ],
    [
      '20.6.0',
      `node --input-type=module -e "import { createLoggerProvider } from '@logbridge/core'; createLoggerProvider()"`,
      /@logbridge\/core needs Node\.js 22\.15 or later; this is 20\.6\.0/,
    ],
    [
      '20',
      `node --input-type=module -e "import { OtlpLogRecordProcessor } from '@logbridge/core'; new OtlpLogRecordProcessor()"`,
      /@logbridge\/core needs Node\.js 22\.15 or later; this is 20\./,
    ],
    [
      '18',
      `node --input-type=module -e "import { OtelTransport } from '@logbridge/winston'; new OtelTransport()"`,
      /logbridge needs Node\.js 20\.6 or later; this is 18\./,
    ],
  ]
  test.each(TOO_OLD)(
    'names the version that is needed, once, on Node.js %s: %s',
    async (version, command, line) => {
      const output = await project.run('sh', ['-c', `npx -y -p node@${version} -- ${command} 2>&1 || true`])
      const lines = output.split('\n').filter((text) => /^(logbridge: |LogbridgeError: )/.test(text))
      expect(lines).toEqual([expect.stringMatching(line)])
      // The application runs on.
      if (command.endsWith('app.cjs'))
        expect(output.match(/by (bunyan|log4js|pino|winston)/g)).toHaveLength(4)
    },
  )

  test('auto sends each record once when tsImport of tsx loads the program', () =>
    expectEachOnce(project, 'node --import @logbridge/auto tsImport.mjs'))

  test('auto sends each record once when the preload is required', () =>
    expectEachOnce(project, 'node --require @logbridge/auto/cjs app.mjs'))
})

test.each(['app.mjs', 'app.cjs'])(
  'auto sends each record once when pnpm has installed it and the program is %s',
  { tags: 'long' },
  async (program) => {
    const project = await copyProject('auto')
    await project.run('pnpm', ['install', '--ignore-scripts', '--no-frozen-lockfile'])
    await expectEachOnce(project, `node --import @logbridge/auto ${program}`)
  },
)

describe("installed by yarn 4 with Plug'n'Play", { tags: 'long' }, () => {
  let project: Project
  beforeAll(async () => {
    project = await copyProject('autoPnp')
    await configureYarn4(project, 'pnp')
    await project.run('sh', ['-c', `${YARN_4} install`])
  })

  // `yarn node` puts these into NODE_OPTIONS, for the version of Node.js that runs yarn.
  const PNP = '--require ./.pnp.cjs --experimental-loader ./.pnp.loader.mjs'
  const PRELOADS = ['--import @logbridge/auto', '--require @logbridge/auto/cjs']
  test.each(
    ['22.15.0', '24'].flatMap((version) =>
      PRELOADS.flatMap((preload) => ['app.mjs', 'app.cjs'].map((program) => [version, preload, program])),
    ),
  )('auto sends each record once on Node.js %s by %s when the program is %s', (version, preload, program) =>
    expectEachOnce(project, `npx -y -p node@${version} -- node ${PNP} ${preload} ${program}`),
  )
})

describe.each([
  { name: 'autoSdk2', some: ['20'], others: ['20.6.0', '24'] },
  { name: 'autoSdk3', some: ['22.15.0'], others: ['24', '26'] },
])('without @logbridge/core, as in $name', async ({ name, some, others }) => {
  const project = await installProject(name)

  async function expectRow(version: string, program: Program): Promise<void> {
    const preloads = '--import ./nodeSdk.mjs --import @logbridge/auto'
    await expectEachOnce(project, `npx -y -p node@${version} -- node ${preloads} ${program}`)
  }
  const withBoth = (versions: readonly string[]): [string, Program][] =>
    versions.flatMap((version): [string, Program][] => [
      [version, 'app.mjs'],
      [version, 'app.cjs'],
    ])
  const TITLE = 'auto sends each record once to the NodeSDK on Node.js %s when the program is %s'
  test.each(withBoth(some))(TITLE, expectRow)
  test.each(withBoth(others))(TITLE, { tags: 'long' }, expectRow)

  test('auto says once that nothing is sent when no SDK is registered', async () => {
    const command = 'node --import @logbridge/auto app.mjs 2>&1'
    const output = await project.run('sh', ['-c', command])
    expect(output.match(/by (bunyan|log4js|pino|winston)/g)).toHaveLength(4)
    expect(output.match(/^logbridge: .*$/gm)).toEqual([
      expect.stringContaining('no OpenTelemetry LoggerProvider is registered, 4 log records not sent'),
    ])
  })
})

test('the matrix has at least 40 rows', () => {
  expect(SOME).toHaveLength(8)
  expect(ALL.length).toBeGreaterThanOrEqual(40)
})
