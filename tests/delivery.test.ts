import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// docs/delivery-evidence.md names the tests of each promise, docs/compliance.md those of each feature, and docs/viewer.md those of each wish,
// in the last column of their tables:
// `[describe > title](../folder/file.test.ts)`, with `…` in place of parameters of the title.

const folder = new URL('../docs/', import.meta.url)
const PAGES = [
  ['delivery-evidence.md', 'tests'],
  ['compliance.md', 'tests or reason'],
  ['viewer.md', 'tests'],
] as const
const LINK = /\[(?<title>(?:\\.|[^\]\\])+)\]\((?<path>[^)]+\.test\.ts)\)/g
/** Parameters of vitest and of template literals: `%s`, `$name`, `${name}`. */
const PARAMETER = /\$\{[^}]*\}|%[sdifjo#]|\$[\w.]+/g

interface Row {
  situation: string
  hasAllCells: boolean
  cells: string[]
  tests: { title: string; path: string }[]
}

/** Returns the rows of all tables, each with as many cells as its header. */
function rowsOf(page: string): Row[] {
  const rows: Row[] = []
  let columns = 0
  for (const line of readFileSync(new URL(page, folder), 'utf8').split('\n')) {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    const last = cells.at(-1)?.trim()
    if (last === undefined) columns = 0
    else if (columns === 0) columns = cells.length
    else if (!/^:?-+:?$/.test(last)) {
      const tests = Array.from(last.matchAll(LINK), ({ groups }) => ({
        title: groups!['title']!.replaceAll(/\\(.)/g, '$1'),
        path: groups!['path']!,
      }))
      rows.push({ situation: cells[0]!.trim(), hasAllCells: cells.length === columns, cells, tests })
    }
  }
  return rows
}

/** Finds a text in quotes in a source whose parameters are `…`. */
function isQuotedIn(source: string, text: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${text}${quote}`))
}

test.each(PAGES)('docs/%s has the column %s last in each table', (page, lastColumn) => {
  const headers = readFileSync(new URL(page, folder), 'utf8').match(/^\|.*\|\n(?=\| *:?---)/gm) ?? []
  expect(headers.length).toBeGreaterThan(0)
  for (const header of headers) expect(header).toMatch(new RegExp(`\\| ${lastColumn} +\\|\n$`))
})

test.each(rowsOf('compliance.md'))(
  'docs/compliance.md says yes, no, or partly, with a test or a reason: $situation',
  ({ cells }) => {
    expect(cells[1]!.trim()).toMatch(/^(yes|no|partly)$/)
    expect(cells[2]!.trim()).not.toBe('')
  },
)

describe.each(PAGES.flatMap(([page]) => rowsOf(page).map((row) => ({ page, ...row }))))(
  '$page: $situation',
  ({ page, hasAllCells, tests }) => {
    test('names tests that exist', () => {
      expect(hasAllCells).toBe(true)
      if (page !== 'compliance.md') expect(tests).not.toEqual([])
      for (const { title, path } of tests) {
        const url = new URL(path, folder)
        expect(existsSync(url), path).toBe(true)
        const source = readFileSync(url, 'utf8')
          .replaceAll(PARAMETER, '…')
          .replaceAll(/\\(['"`])/g, '$1')
        for (const part of title.split(' > ')) {
          expect(isQuotedIn(source, part), `${path} has no test "${part}"`).toBe(true)
        }
      }
    })
  },
)
