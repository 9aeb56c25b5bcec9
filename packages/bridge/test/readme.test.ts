import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const bridgeFolder = fileURLToPath(new URL('..', import.meta.url))

test('the adapter of the README passes the conformance suite when it is installed with the packed bridge alone', async () => {
  const readme = await readFile(join(bridgeFolder, 'README.md'), 'utf8')
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'logbridge-adapter-')))
  try {
    await installBridge(folder)
    const names: string[] = []
    for (const [, code, name] of readme.matchAll(/```js\n(\/\/ (\S+)\n[^]*?)```/g)) {
      names.push(name!)
      await writeFile(join(folder, name!), code!)
    }
    expect(names).toEqual(['loglevel-otel.js', 'loglevel-otel.test.js'])
    const program = ['--test-reporter=tap', 'loglevel-otel.test.js']
    const { stdout } = await run(process.execPath, program, { cwd: folder }).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout.match(/^not ok .*$/gm)).toBeNull()
    expect(Number(/^# pass (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(50)
  } finally {
    await rm(folder, { recursive: true })
  }
})

/** Installs the packed bridge, its peer dependency, and loglevel into an empty folder. */
async function installBridge(folder: string): Promise<void> {
  const modules = join(folder, 'node_modules')
  const bridge = join(modules, '@logbridge/bridge')
  await mkdir(bridge, { recursive: true })
  await mkdir(join(modules, '@opentelemetry'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await run('pnpm', ['pack', '--out', join(folder, 'bridge.tgz')], { cwd: bridgeFolder })
  await run('tar', ['-xzf', 'bridge.tgz', '-C', bridge, '--strip-components=1'], { cwd: folder })
  for (const name of ['@opentelemetry/api', 'loglevel']) {
    await symlink(await realpath(join(bridgeFolder, 'node_modules', name)), join(modules, name))
  }
}
