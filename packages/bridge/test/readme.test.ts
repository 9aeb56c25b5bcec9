import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const here = fileURLToPath(new URL('.', import.meta.url))

test('the adapter of the README passes the conformance suite as it is shown there', async () => {
  const readme = await readFile(join(here, '../README.md'), 'utf8')
  // Within the package, so that its imports resolve.
  const folder = await mkdtemp(join(here, 'readme-'))
  try {
    const names: string[] = []
    for (const [, code, name] of readme.matchAll(/```js\n(\/\/ (\S+)\n[^]*?)```/g)) {
      names.push(name!)
      await writeFile(join(folder, name!), code!)
    }
    expect(names).toEqual(['loglevel-otel.js', 'loglevel-otel.test.js'])
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--test-reporter=tap',
      join(folder, 'loglevel-otel.test.js'),
    ]).catch((error: { stdout: string }) => error)
    expect(stdout.match(/^not ok .*$/gm)).toBeNull()
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(50)
  } finally {
    await rm(folder, { recursive: true })
  }
})
