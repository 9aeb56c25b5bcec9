import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { rootFolder } from '@logbridge/test-support/run'

const SOURCE = `/** What the queue does. */
export const consign = 1
/**
 * Sends nothing while the receiver is
 * away.
 */
// Sends records.
// What follows is a second line of the comment.
export const text = 'a queue of its own'
export const { settleLogs: resolved } = globalThis
`

test('lint:words fails and names file, line, and word when a file has old words', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lint-words-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'consignment.ts')
  writeFileSync(file, SOURCE)
  const { status, stderr } = spawnSync(process.execPath, ['tools/lintWords.mjs', file], {
    cwd: rootFolder,
    encoding: 'utf8',
  })
  expect(stderr.split('\n').filter((line) => line.startsWith(folder))).toEqual([
    `${file}: its path has consignment`,
    `${file}:4: is * away`,
    `${file}:9: of its own`,
    `${file}:1: comment starts with What`,
    `${file}:2: consign`,
    `${file}:10: settleLogs`,
  ])
  expect(status).toBe(1)
})
