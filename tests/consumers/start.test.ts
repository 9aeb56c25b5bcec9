import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { follow, isAsPromised, patternOf, readStarts } from '@logbridge/test-support/walkthrough'

const starts = await readStarts()

test.each(starts)('follow prints what $title promises when the folder is empty', async (start) => {
  const folder = await mkdtemp(join(inject('projects'), 'start-'))
  const followed = await follow(start, folder, inject('registry'))
  const { expected, printed, output, files } = followed
  expect(printed).toEqual(expected.map((line) => expect.stringMatching(patternOf(line))))
  expect(isAsPromised(followed)).toBe(true)
  // The library still prints its own output, and nothing is reported.
  if (!/core|viewer/.test(start.title)) expect(output).toContain('order placed')
  expect(output).not.toMatch(/^logbridge: |Warning|ERR!/m)
  expect(files).toBeLessThanOrEqual(2)
})

test('README.md has a start for each library and each kind of modules', () => {
  const titles = starts.map(({ title }) => title)
  expect(titles.filter((title) => title.startsWith('README.md'))).toEqual([
    'README.md',
    'README.md, winston',
    'README.md, bunyan',
    'README.md, log4js',
    'README.md, console',
    'README.md, CommonJS',
    'README.md, TypeScript',
  ])
})
