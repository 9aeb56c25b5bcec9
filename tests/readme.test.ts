import { readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocks, createProgramRunner, type ProgramRunner } from '@logbridge/test-support/programs'

const here = dirname(fileURLToPath(import.meta.url))

interface Snippet {
  name: string
  code: string
}

/** Programs in a README: blocks of JavaScript that name one of our packages. */
async function snippets(readme: string): Promise<Snippet[]> {
  const text = await readFile(join(here, '..', readme), 'utf8')
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
  '$name sends what it logs',
  async (snippet) => {
    const records = await programs.run(snippet.code)
    expect(records.map(({ body }) => body)).toContainEqual(expect.stringMatching(/^order .*placed$/))
    expect(records[0]!.resource.attributes['service.name']).toMatch(/./)
  },
)

test.each(loggers.flat().filter(({ code }) => !code.includes('order')))('$name runs', async (snippet) => {
  await programs.run(snippet.code)
})

test('every library is shown', () => {
  const imported = new Set(
    loggers[0]!.flatMap(({ code }) => [...code.matchAll(/'@logbridge\/(\w+)'/g)].map(([, name]) => name)),
  )
  expect(imported).toEqual(new Set(['core', 'winston', 'pino', 'bunyan', 'log4js', 'console']))
})

test('every link to a file of the repository leads somewhere', async () => {
  const readmes = ['README.md', ...['mapping', 'delivery', 'builds'].map((name) => `docs/${name}.md`)]
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
