import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, writeFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { startViewer } from '@logbridge/viewer'
import { afterAll, expect, inject, test, vi } from 'vitest'
import { codeBlocks } from '@logbridge/test-support/programs'
import { freePort } from '@logbridge/test-support/ports'
import { installProject } from '@logbridge/test-support/project'
import { run } from '@logbridge/test-support/run'
import { readDocument, startViewerCommand } from '@logbridge/test-support/walkthrough'

// Each heading of docs/troubleshooting.md is a message, and the comment below it names the situation that causes the message.

const ENTRY = /^### (?<fence>`+) ?(?<message>.*?) ?\k<fence>\n\n<!-- situation: (?<situation>\w+) -->$/gm
const document = await readDocument('docs/troubleshooting.md')
const entries = [...document.matchAll(ENTRY)].map(
  ({ groups }) => groups as { message: string; situation: string },
)

const project = await installProject('troubleshooting')
const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
const silent = createTcpServer().listen(0, '127.0.0.1')
await once(silent, 'listening')
const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
const refusing = createServer((request, response) => {
  request.resume()
  response.writeHead(request.url!.startsWith('/404') ? 404 : 401).end('no')
}).listen(0, '127.0.0.1')
await once(refusing, 'listening')
const refusingUrl = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`
afterAll(async () => {
  refusing.close()
  silent.close()
  await viewer.close()
})

/** Path of the command in the project. */
const VIEWER = 'node_modules/@logbridge/viewer/dist/cli.js'
/** Viewer with a page, which the commands of this user find. */
const page = await startPage()
afterAll(() => page.stop())

const CORE = "import { startTelemetry } from '@logbridge/core'\n"
const EMIT = `
import { logs } from '@opentelemetry/api'
const emit = () => logs.getLogger('shop').emit({ severityNumber: 9, body: 'order placed' })
emit()
`
const WINSTON = `
import { OtelTransport } from '@logbridge/winston'
import winston from 'winston'
const logger = winston.createLogger({ transports: [new winston.transports.Console(), new OtelTransport()] })
`
const SENDING = `${CORE}startTelemetry({ traces: false, metrics: false })\n${EMIT}`

const SITUATIONS: Readonly<Record<string, () => Promise<string>>> = {
  noReceiver: async () => runProgram(SENDING, `http://localhost:${await freePort()}`),
  silentReceiver: () => runProgram(SENDING, silentUrl),
  grpcToHttpPort: () => runProgram(SENDING, viewer.httpUrl, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
  httpToGrpcPort: () => runProgram(SENDING, viewer.grpcUrl, { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }),
  tlsToPlainText: () => runProgram(SENDING, viewer.grpcUrl.replace('http', 'https')),
  signalPath: () => runProgram(SENDING, `${viewer.httpUrl}/v1/logs`),
  pathOverGrpc: () => runProgram(SENDING, `${viewer.grpcUrl}/otlp`, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
  unusableEndpoint: () => runProgram(SENDING, 'collector 4317'),
  quotedEndpoint: () => runProgram(SENDING, '"http://collector:4317"'),
  unauthorized: () => runProgram(SENDING, `${refusingUrl}/401`),
  notFound: () => runProgram(SENDING, `${refusingUrl}/404`),
  headersVariable: () => runProgram(SENDING, viewer.grpcUrl, { OTEL_EXPORTER_OTLP_HEADERS: 'Bearer secret' }),
  headersOption: () =>
    runProgram(`${CORE}startTelemetry({ headers: 'authorization=secret' })`, viewer.grpcUrl),
  unknownOption: () => runProgram(`${CORE}startTelemetry({ servicename: 'shop' })`, viewer.grpcUrl),
  noProvider: () =>
    runProgram(`${WINSTON}logger.info('order placed')\nlogger.info('order paid')`, viewer.grpcUrl),
  afterShutdown: () =>
    runProgram(
      `${CORE}const telemetry = startTelemetry()\nawait telemetry.shutdown()\n${WINSTON}logger.info('order placed')\nlogger.info('order paid')`,
      viewer.grpcUrl,
    ),
  startedTwice: () => runProgram(`${CORE}startTelemetry()\nstartTelemetry()`, viewer.grpcUrl),
  nodeSdkRunning: () =>
    runProgram(
      `import { NodeSDK } from '@opentelemetry/sdk-node'\n${CORE}new NodeSDK().start()\nstartTelemetry()`,
      viewer.httpUrl,
      { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' },
    ),
  instrumentationTooLate: () =>
    runProgram(
      `import 'express'
      import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express'
      ${CORE}startTelemetry({ instrumentations: [new ExpressInstrumentation()] })`,
      viewer.grpcUrl,
    ),
  attachedTwice: () =>
    runProgram(
      `${CORE}startTelemetry()\n${WINSTON}logger.add(new OtelTransport())\nlogger.info('order placed')`,
      viewer.grpcUrl,
    ),
  consoleTwice: () =>
    runProgram(
      `${CORE}import { bridgeConsole } from '@logbridge/console'
      startTelemetry()\n${WINSTON}bridgeConsole()
      bridgeConsole()`,
      viewer.grpcUrl,
    ),
  printedToConsole: () =>
    runProgram(
      `${CORE}import { bridgeConsole } from '@logbridge/console'
      startTelemetry()\nbridgeConsole()\n${WINSTON}logger.clear().add(new OtelTransport())
      logger.add(new winston.transports.Console({ forceConsole: true }))\nlogger.info('order placed')`,
      viewer.grpcUrl,
    ),
  adapterInCode: () =>
    runProgram(`${WINSTON}logger.info('order placed')`, viewer.grpcUrl, {}, 'node --import @logbridge/auto'),
  bufferFull: () =>
    runProgram(
      `${CORE}${WINSTON}logger.clear().add(new OtelTransport())
      for (let n = 0; n < 1100; n++) logger.info('order placed')
      startTelemetry()`,
      viewer.grpcUrl,
    ),
  ignoredVariable: () => runProgram(SENDING, viewer.grpcUrl, { OTEL_EXPORTER_OTLP_TIMEOUT: '10s' }),
  unknownLevel: () =>
    runProgram(
      `import { otelStream } from '@logbridge/pino'\notelStream({ level: 'verbose' })`,
      viewer.grpcUrl,
    ),
  nothingToFlush: () =>
    runProgram(
      `import { flushOnFreeze } from '@logbridge/core'\nawait flushOnFreeze(async () => {})()`,
      viewer.grpcUrl,
    ),
  spoolUnavailable: () =>
    runProgram(
      `${CORE}startTelemetry({ logs: { spool: { directory: '/dev/null/spool' } } })\n${EMIT}`,
      viewer.grpcUrl,
    ),
  exited: () => runProgram(`${SENDING}process.exit()`, viewer.grpcUrl),
  queueFull: async () =>
    runProgram(
      `${CORE}startTelemetry({ logs: { maxQueueBytes: 1_000_000 }, traces: false, metrics: false })\n${EMIT}
      for (let n = 0; n < 20; n++) logs.getLogger('shop').emit({ body: 'x'.repeat(100_000) })`,
      `http://localhost:${await freePort()}`,
    ),
  adapterMissing: () =>
    runProgram(
      `import log4js from 'log4js'\nlog4js.getLogger('shop').info('order placed')`,
      viewer.grpcUrl,
      {},
      'node --import @logbridge/auto',
    ),
  coreMissing: () =>
    inEmptyFolder(
      'npm install pino @logbridge/auto @logbridge/pino @opentelemetry/api',
      `node --import @logbridge/auto --input-type=module -e "
        import pino from 'pino'
        pino().info('order placed')
        pino().info('order paid')"`,
    ),
  consoleAdapterMissing: () =>
    inEmptyFolder(
      'npm install @logbridge/auto',
      `LOGBRIDGE_CONSOLE=1 node --import @logbridge/auto -e "console.log('order placed')"`,
    ),
  consoleOnly: () =>
    runProgram(
      `console.log('order placed')`,
      viewer.grpcUrl,
      { OTEL_LOG_LEVEL: 'info' },
      'node --import @logbridge/auto',
    ),
  preloadMissing: () =>
    inEmptyFolder(`echo "console.log('order placed')" > app.mjs`, 'node --import @logbridge/auto app.mjs'),
  workerWithoutCore: () =>
    inEmptyFolder(
      'npm install pino @logbridge/pino @opentelemetry/api',
      `node --input-type=module -e "
        import pino from 'pino'
        pino({ transport: { target: '@logbridge/pino' } }).info('order placed')"`,
    ),
  oldNodeOfAdapter: () =>
    runProgram(`${WINSTON}logger.info('order placed')`, viewer.grpcUrl, {}, 'npx -y -p node@18 -- node'),
  oldNode: () => runProgram(SENDING, viewer.grpcUrl, {}, 'npx -y -p node@20 -- node'),
  oldNodeOfViewer: () =>
    runShell(
      `npx -y -p node@20 -- node node_modules/@logbridge/viewer/dist/cli.js --grpc-port 0 --http-port 0`,
    ),
  viewerPortInUse: () => runViewer(`--grpc-port ${viewer.grpcPort} --http-port 0`),
  viewerOtherAddress: () => runViewer('--host 192.0.2.1 --insecure --port 0 --grpc-port 0 --http-port 0'),
  viewerOpenHost: () => runViewer('--host 0.0.0.0'),
  viewerOtherDatabase: () => runViewer('--db package.json --port 0 --grpc-port 0 --http-port 0'),
  viewerCommand: () => runViewer('lgos'),
  viewerFile: () => runViewer('missing.jsonl'),
  viewerFlag: () => runViewer('--prot 0'),
  viewerFlagValue: () => runViewer('--port here'),
  viewerFlagAlone: () => runViewer('--no-spans'),
  viewerQuotes: () => runViewer('logs level=warn since=15m'),
  viewerArgument: () => runViewer('trace'),
  viewerNotRunning: () => runViewer('services', { XDG_RUNTIME_DIR: '/dev/null' }),
  viewerAnnouncement: () =>
    runViewer('--port 0 --grpc-port 0 --http-port 0', { XDG_RUNTIME_DIR: '/dev/null' }),
  viewerUnreachable: async () => runViewer(`services --url http://localhost:${await freePort()}`),
  viewerOtherServer: () => runViewer(`services --url ${refusingUrl}`),
  viewerToken: () => runViewer(`services --url ${page.pageUrl} --token another-token-than-its`),
  viewerNoToken: () => refusalOf(page.pageUrl),
  viewerHost: () => refusalOf(page.pageUrl, { host: 'shop.example' }),
  viewerOrigin: () => refusalOf(page.pageUrl, { origin: 'http://shop.example' }),
  viewerQuery: () => askViewer(`logs 'level>=errr'`),
  viewerField: () => askViewer(`logs levle=error`),
  viewerTimeout: async () => {
    await sendLogs(
      page.httpUrl,
      Array.from({ length: 600 }, () => 'ab'.repeat(3000)),
    )
    return askViewer(String.raw`logs 'msg=~/([ab]{1,20}){1,20}[xyz]/'`)
  },
  viewerTrace: () => askViewer('trace 4bf92f35'),
  viewerImport: () => askViewer('import package.json'),
  viewerHostOfSender: () => refusalOf(`${page.httpUrl}/v1/logs`, { host: 'shop.example' }),
  viewerPath: () => refusalOf(`${page.httpUrl}/otlp`),
  viewerContentType: () => refusalOf(`${page.httpUrl}/v1/logs`, { 'content-type': 'text/plain' }),
  viewerTooLarge: () =>
    refusalOf(`${page.httpUrl}/v1/logs`, { 'content-type': 'application/json' }, 'x'.repeat(5e6)),
  viewerSlowOutput: async () => {
    const port = await freePort()
    const flags = ['--terminal', '--grpc-port', '0', '--http-port', String(port)]
    const child = spawn(process.execPath, [VIEWER, ...flags], {
      cwd: project.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let printed = ''
    child.stderr.on('data', (chunk) => (printed += chunk))
    await vi.waitFor(() => expect(printed).toContain('Receiving'), { timeout: 20_000 })
    for (let sent = 0; sent < 12; sent += 1)
      await sendLogs(
        `http://localhost:${port}`,
        Array.from({ length: 1000 }, () => 'x'.repeat(1000)),
      )
    child.stdout.resume()
    child.kill('SIGINT')
    await once(child, 'close')
    return printed
  },
  viewerBrowser: () => runViewer('--open --port 0 --grpc-port 0 --http-port 0', { PATH: '/var/empty' }),
  viewerStdout: () => runViewer('--help > /dev/full'),
  sdk2: () => inEmptyFolder('npm install @opentelemetry/sdk-logs@0.223.1 @logbridge/core'),
  sdk2Forced: () =>
    inEmptyFolder(
      `npm install --legacy-peer-deps @opentelemetry/api@1.9.1 @opentelemetry/sdk-logs@0.223.1 @logbridge/core`,
      `node --input-type=module -e "import '@logbridge/core'"`,
    ),
  ignoredBuilds: () => inEmptyFolder('pnpm add bunyan @logbridge/bunyan'),
  libraryMissing: () =>
    inEmptyFolder(
      'pnpm add @logbridge/winston',
      `node --input-type=module -e "import '@logbridge/winston'; import 'winston'"`,
    ),
}

test.each(entries)(
  'docs/troubleshooting.md has the message that is printed when the situation is $situation',
  async ({ message, situation }) => {
    const output = await SITUATIONS[situation]?.()
    expect(output?.split('\n')).toContainEqual(expect.stringMatching(patternOf(message)))
  },
)

test('pnpm ignores no builds when pnpm-workspace.yaml has the lines of docs/troubleshooting.md', async () => {
  const [settings = ''] = codeBlocks(document, 'yaml')
  const output = await inEmptyFolder(
    `echo '${settings}' > pnpm-workspace.yaml`,
    'pnpm add bunyan @logbridge/bunyan @opentelemetry/auto-instrumentations-node',
    'echo installed',
  )
  expect(output).not.toContain('IGNORED_BUILDS')
  expect(output).toMatch(/^installed$/m)
})

test('docs/troubleshooting.md has an entry for each situation', () => {
  const headings = document.match(/^### /gm)!
  expect(entries).toHaveLength(headings.length)
  expect(entries.map(({ situation }) => situation).toSorted()).toEqual(Object.keys(SITUATIONS).toSorted())
})

/** Builds a pattern of a whole line, in which `<name>` stands for any text. */
function patternOf(message: string): RegExp {
  const texts = message
    .split(/<[\w ]+>/)
    .map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`))
  return new RegExp(String.raw`^(?:logbridge: |logbridge-viewer: |\w*Error: )?${texts.join('.+')}$`)
}

/** Runs a program with the packages, and returns its output. */
async function runProgram(
  code: string,
  endpoint: string,
  env: NodeJS.ProcessEnv = {},
  node = 'node',
): Promise<string> {
  await writeFile(join(project.folder, 'program.mjs'), code)
  return runShell(`${node} program.mjs`, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env })
}

function runShell(command: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  return project.run('sh', ['-c', `(${command}) 2>&1; true`], env)
}

interface PageProcess {
  readonly pageUrl: string
  readonly httpUrl: string
  readonly runtime: string
  stop(): Promise<unknown>
}

async function startPage(): Promise<PageProcess> {
  const runtime = await mkdtemp(join(project.folder, 'runtime-'))
  const running = await startViewerCommand('npx logbridge-viewer --port 0', project.folder, {
    XDG_RUNTIME_DIR: runtime,
  })
  const { pageUrl, httpUrl } = /Page: (?<pageUrl>[^?]+)\S*\n.* HTTP at (?<httpUrl>\S+)/.exec(
    running.printed(),
  )!.groups as { pageUrl: string; httpUrl: string }
  return {
    pageUrl,
    httpUrl,
    runtime,
    stop: () => running.stop(),
  }
}

async function sendLogs(httpUrl: string, bodies: readonly string[]): Promise<void> {
  const logRecords = bodies.map((body) => ({ timeUnixNano: '1', body: { stringValue: body } }))
  await fetch(`${httpUrl}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] }),
  })
}

/** Runs the command, and ends it when it goes on. */
function runViewer(args: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const command = `${process.execPath} ${VIEWER} 2>&1 ${args}`
  return project.run('/bin/sh', ['-c', `/usr/bin/timeout -s INT 5 ${command} || true`], env)
}

/** Runs a command that asks the viewer of `startPage`. */
function askViewer(args: string): Promise<string> {
  return runShell(`npx logbridge-viewer ${args}`, { XDG_RUNTIME_DIR: page.runtime })
}

/** Returns the message of a refused request, by HTTP as it is, because fetch sets the Host header itself. */
async function refusalOf(url: string, headers: OutgoingHttpHeaders = {}, sentBody?: string): Promise<string> {
  const sent = request(url, { method: url === page.pageUrl ? 'GET' : 'POST', headers })
  sent.on('error', () => {}).end(sentBody)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const body = await text(response)
  if (!body.startsWith('{')) return body
  const answer = JSON.parse(body) as { error?: string; message?: string }
  return answer.error ?? answer.message ?? ''
}

/** Runs commands in an empty folder, until one fails. */
async function inEmptyFolder(...commands: string[]): Promise<string> {
  const folder = await mkdtemp(join(inject('projects'), 'empty-'))
  const registry: string = inject('registry')
  await appendFile(join(folder, '.npmrc'), `@logbridge:registry=${registry}\n`)
  const script = `(${commands.join(' && ')}) 2>&1; true`
  return run('sh', ['-c', script], folder, { NODE_PATH: undefined, NODE_OPTIONS: undefined })
}
