import { existsSync, globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocks, createProgramRunner, type ProgramRunner } from '@logbridge/test-support/programs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

interface Snippet {
  name: string
  code: string
}

/** Returns the programs of a README: blocks of JavaScript that import a package of logbridge. */
async function snippets(readme: string): Promise<Snippet[]> {
  const text = await readFile(join(root, readme), 'utf8')
  return codeBlocks(text, 'js')
    .filter((code) => code.includes("'@logbridge/"))
    .map((code, index) => ({ name: `${readme}, program ${index + 1}`, code }))
}

let programs: ProgramRunner
beforeAll(async () => {
  programs = await createProgramRunner()
})
afterAll(() => programs.close())

const loggers = await Promise.all(
  [
    'README.md',
    ...['winston', 'pino', 'bunyan', 'log4js', 'console'].map((name) => `packages/${name}/README.md`),
  ].map(snippets),
)

test.each(loggers.flat().filter(({ code }) => code.includes('order')))(
  '$name sends its records',
  async (snippet) => {
    const records = await programs.run(snippet.code)
    expect(records.map(({ body }) => body)).toContainEqual(expect.stringMatching(/^order .*placed$/))
    expect(records[0]!.resource.attributes['service.name']).toMatch(/./)
  },
)

test.each(loggers.flat().filter(({ code }) => !code.includes('order')))('$name runs', async (snippet) => {
  await programs.run(snippet.code)
})

test('README.md has a program for every library', () => {
  const imported = new Set(
    loggers[0]!.flatMap(({ code }) => [...code.matchAll(/'@logbridge\/(\w+)'/g)].map(([, name]) => name)),
  )
  expect(imported).toEqual(new Set(['core', 'winston', 'pino', 'bunyan', 'log4js', 'console']))
})

test.each([
  '.',
  ...['auto', 'core', 'winston', 'pino', 'bunyan', 'log4js', 'console'].map((name) => `packages/${name}`),
])('%s/README.md says in its Start where telemetry goes and how to see it', async (folder) => {
  const text = await readFile(join(root, folder, 'README.md'), 'utf8')
  const [, start = ''] = /^## Start\n(.*?)^## /ms.exec(text) ?? []
  for (const part of ['`http://localhost:4317`', '`OTEL_EXPORTER_OTLP_ENDPOINT`', 'npx @logbridge/viewer'])
    expect(start).toContain(part)
})

const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/**/README.md'], {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
})
const LINK = /\]\((?!https?:)(?<path>[^)#\s]*)(?:#(?<heading>[^)]*))?\)/g

test.each(documents)('%s links to files and headings that exist', async (document) => {
  const source = await readFile(join(root, document), 'utf8')
  const text = source.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '')
  const broken: string[] = []
  for (const { 0: link, groups } of text.matchAll(LINK)) {
    const target = groups!['path'] ? join(root, dirname(document), groups!['path']) : join(root, document)
    const heading = groups!['heading']
    const exists = existsSync(target) && (heading === undefined || (await anchorsOf(target)).has(heading))
    if (!exists) broken.push(link)
  }
  expect(broken).toEqual([])
})

/** The anchors that GitHub gives the headings of a document. */
async function anchorsOf(path: string): Promise<Set<string>> {
  const headings = (await readFile(path, 'utf8')).matchAll(/^#+ (.*)$/gm)
  const anchors = Array.from(headings, ([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\p{Mark} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(anchors)
}

const sources = globSync(['{packages,tests,tools,benchmarks,examples}/**/*.{ts,mjs,js}', '.ci/*'], {
  cwd: root,
  exclude: (path) => /node_modules|\bdist\b/.test(path),
}).map((path) => `/${path.replaceAll('\\', '/')}`)

test.each(documents.filter((document) => document !== 'CHANGELOG.md'))(
  '%s names source files that exist',
  async (document) => {
    const text = await readFile(join(root, document), 'utf8')
    const names = new Set(text.match(/(?<=[`\s])[\w./-]+\.(?:ts|mjs)(?=[`\s,;])/g) ?? [])
    // Programs of the document begin with their name.
    const programs = new Set(Array.from(text.matchAll(/^\/\/ (\S+)$/gm), ([, name]) => name))
    const missing = [...names]
      .map((name) => name.replace(/^\.\//, ''))
      .filter((name) => !programs.has(name) && !sources.some((path) => path.endsWith(`/${name}`)))
    expect(missing).toEqual([])
  },
)
