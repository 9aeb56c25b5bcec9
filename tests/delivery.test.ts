import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

// docs/delivery.md names for each promise the tests that hold it, in the last column of its tables:
// `[describe > title](../folder/file.test.ts)`, one or more, with `…` for what a title leaves to its parameters.

const file = new URL('../docs/delivery.md', import.meta.url)
const document = readFileSync(file, 'utf8')
const HELD_BY = 'held by'
const LINK = /\[(?<title>(?:\\.|[^\]\\])+)\]\((?<path>[^)]+\.test\.ts)\)/g
/** What vitest and template literals put in place: `%s`, `$name`, `${name}`. */
const PARAMETER = /\$\{[^}]*\}|%[sdifjo#]|\$[\w.]+/g

interface Row {
  situation: string
  tests: { title: string; path: string }[]
}

/** The rows of all tables whose last column says what holds them. */
function promises(): Row[] {
  const rows: Row[] = []
  let holds = false
  for (const line of document.split('\n')) {
    if (!line.startsWith('|')) {
      holds = false
      continue
    }
    const cells = line.split(/(?<!\\)\|/).slice(1, -1)
    const last = cells.at(-1)!.trim()
    if (last === HELD_BY) holds = true
    else if (holds && !/^:?-+:?$/.test(last)) {
      const tests = Array.from(last.matchAll(LINK), ({ groups }) => ({
        title: groups!['title']!.replaceAll(/\\(.)/g, '$1'),
        path: groups!['path']!,
      }))
      rows.push({ situation: cells[0]!.trim(), tests })
    }
  }
  return rows
}

/** Every text in quotes of a source, with `…` for parameters. */
function isQuotedIn(source: string, text: string): boolean {
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${text}${quote}`))
}

test('every table of promises says what holds them', () => {
  const headers = document.match(/^\|.*\|\n(?=\| *:?---)/gm) ?? []
  expect(headers.length).toBeGreaterThan(0)
  // processEnd.test.ts executes the cells of these tables.
  const promising = headers.filter((header) => !header.startsWith('| how the process ends |'))
  for (const header of promising) expect(header).toContain(`| ${HELD_BY} |`)
})

describe.each(promises())('$situation', ({ tests }) => {
  test('is held by tests that there are', () => {
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
