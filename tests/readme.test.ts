import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startViewer, type ReceivedLogRecord, type Viewer } from '@logbridge/viewer'
import { afterAll, beforeAll, expect, test } from 'vitest'

const here = dirname(fileURLToPath(import.meta.url))
const telemetry = join(here, 'fixtures/telemetry.mjs')

interface Snippet {
  name: string
  code: string
}

/** Programs in a README: blocks of JavaScript that name one of our packages. */
async function snippets(readme: string): Promise<Snippet[]> {
  const text = await readFile(join(here, '..', readme), 'utf8')
  const blocks = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code!)
  return blocks
    .filter((code) => code.includes("'@logbridge/"))
    .map((code, index) => ({ name: `${readme}, program ${index + 1}`, code }))
}

let viewer: Viewer
let folder: string
let received: ReceivedLogRecord[] = []
beforeAll(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  viewer.on('logs', (records) => received.push(...records))
  // Inside tests/, so that the programs find the packages by name.
  folder = await mkdtemp(join(here, '.readme-'))
})
afterAll(async () => {
  await viewer.close()
  await rm(folder, { recursive: true })
})

/** Runs a program as it stands, but for the endpoint. */
async function run({ code }: Snippet): Promise<ReceivedLogRecord[]> {
  received = []
  const file = join(folder, 'program.mjs')
  await writeFile(file, code.replaceAll(/'https:\/\/collector[^']*'/g, `'${viewer.grpcUrl}'`))
  const before = code.includes('startTelemetry') ? [] : ['--import', telemetry]
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl }
  await promisify(execFile)(process.execPath, [...before, file], { env, cwd: folder })
  return received
}

const loggers = await Promise.all(
  [
    'README.md',
    ...['winston', 'pino', 'bunyan', 'log4js', 'console'].map((name) => `packages/${name}/README.md`),
  ].map(snippets),
)

test.each(loggers.flat().filter(({ code }) => code.includes('order')))(
  '$name sends what it logs',
  async (snippet) => {
    const records = await run(snippet)
    expect(records.map(({ body }) => body)).toContainEqual(expect.stringMatching(/^order .*placed$/))
    expect(records[0]!.resource.attributes['service.name']).toMatch(/./)
  },
)

test.each(loggers.flat().filter(({ code }) => !code.includes('order')))('$name runs', async (snippet) => {
  await run(snippet)
})

test('every library is shown', () => {
  const imported = new Set(
    loggers[0]!.flatMap(({ code }) => [...code.matchAll(/'@logbridge\/(\w+)'/g)].map(([, name]) => name)),
  )
  expect(imported).toEqual(new Set(['core', 'winston', 'pino', 'bunyan', 'log4js', 'console']))
})

test('every link to a file of the repository leads somewhere', async () => {
  const readmes = ['README.md', ...['mapping', 'delivery'].map((name) => `docs/${name}.md`)]
  for (const readme of readmes) {
    const text = await readFile(join(here, '..', readme), 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      await expect(
        readFile(join(here, '..', dirname(readme), target!)).catch((error) => {
          if (error.code !== 'EISDIR')
            throw new Error(`${basename(readme)} links to ${target}`, { cause: error })
        }),
      ).resolves.not.toThrow()
    }
  }
})
