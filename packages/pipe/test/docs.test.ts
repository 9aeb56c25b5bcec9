import { readFileSync } from 'node:fs'
import { codeBlocks } from '@logbridge/test-support/programs'
import { expect, test } from 'vitest'
import { FORMATS } from '../src/formats/formats.ts'
import { deliver } from './deliver.ts'

const document = readFileSync(new URL('../../../docs/pipe.md', import.meta.url), 'utf8')
const examples = document
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    format: section.slice(0, section.indexOf('\n')),
    line: codeBlocks(section, 'text')[0]!.trim(),
    record: codeBlocks(section, 'json')[0]!,
  }))

test('docs/pipe.md has a worked example of each format', () => {
  expect(examples.map(({ format }) => format).toSorted()).toEqual(FORMATS.map(({ name }) => name).toSorted())
})

test.each(examples)('docs/pipe.md shows the record of its line of $format', async ({ line, record }) => {
  expect(await deliver([line])).toEqual([JSON.parse(record)])
})
