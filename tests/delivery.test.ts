import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// docs/delivery-evidence.md names the tests of each promise, in the last column of its tables:
// `[describe > title](../folder/file.test.ts)`, with `…` in place of parameters of the title.

const file = new URL('../docs/delivery-evidence.md', import.meta.url)
const document = readFileSync(file, 'utf8')
const LAST_COLUMN = 'tests'
const LINK = /\[(?<title>(?:\\.|[^\]\\])+)\]\((?<path>[^)]+\.test\.ts)\)/g
/** Parameters of vitest and of template literals: `%s`, `$name`, `${name}`. */
const PARAMETER = /\$\{[^}]*\}|%[sdifjo#]|\$[\w.]+/g

interface Row {
  situation: string
  hasAllCells: boolean
  tests: { title: string; path: string }[]
}

/** Returns the rows of all tables, each with as many cells as its header. */
function promises(): Row[] {
  const rows: Row[] = []
  let columns = 0
  for (const line of document.split('\n')) {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    const last = cells.at(-1)?.trim()
    if (last === undefined) columns = 0
    else if (columns === 0) columns = cells.length
    else if (!/^:?-+:?$/.test(last)) {
      const tests = Array.from(last.matchAll(LINK), ({ groups }) => ({
        title: groups!['title']!.replaceAll(/\\(.)/g, '$1'),
        path: groups!['path']!,
      }))
      rows.push({ situation: cells[0]!.trim(), hasAllCells: cells.length === columns, tests })
    }
  }
  return rows
}

/** Finds a text in quotes in a source whose parameters are `…`. */
function isQuotedIn(source: string, text: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${text}${quote}`))
}

test('docs/delivery-evidence.md names tests in the last column of each table', () => {
  const headers = document.match(/^\|.*\|\n(?=\| *:?---)/gm) ?? []
  expect(headers.length).toBeGreaterThan(0)
  for (const header of headers) expect(header).toContain(`| ${LAST_COLUMN} |`)
})

describe.each(promises())('$situation', ({ hasAllCells, tests }) => {
  test('names tests that exist', () => {
    expect(hasAllCells).toBe(true)
    expect(tests).not.toEqual([])
    for (const { title, path } of tests) {
      const url = new URL(path, file)
      expect(existsSync(url), path).toBe(true)
      const source = readFileSync(url, 'utf8')
        .replaceAll(PARAMETER, '…')
        .replaceAll(/\\(['"`])/g, '$1')
      for (const part of title.split(' > ')) {
        expect(isQuotedIn(source, part), `${path} has no test "${part}"`).toBe(true)
      }
    }
  })
})
