import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const SCRIPT = fileURLToPath(new URL('../tools/lintRegex.mjs', import.meta.url))
const SOURCE = String.raw`
const quadratic = /a+$/
call(/(a+)+$/)
const unknown = new RegExp(prefix + 'b')
const linear = /^\d+$/
// regex-bounded: the text has 100 characters at most
const bounded = /a+$/
`

test('lint:regex fails when a regular expression is not linear or built at run time and has no reason above', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lint-regex-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'source.ts')
  writeFileSync(file, SOURCE)
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, file], { encoding: 'utf8' })
  expect(stderr.split('\n').filter((line) => line.includes('source.ts'))).toEqual([
    expect.stringMatching(/source\.ts:2: \/a\+\$\/ takes 2nd degree polynomial time/),
    expect.stringMatching(/source\.ts:3: .* takes exponential time/),
    expect.stringMatching(/source\.ts:4: .* is built at run time/),
  ])
  expect(status).toBe(1)
})
