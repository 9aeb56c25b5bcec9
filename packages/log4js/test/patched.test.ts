import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// Holds the README's list of what is patched. Each case is another process, because a worker is patched on import.
const PROGRAM = `
import cluster from 'node:cluster'
import { createRequire } from 'node:module'
import log4js from 'log4js'
const require = createRequire(import.meta.url)
const modules = () => Object.entries(require.cache).filter(([path]) => /[\\\\/]log4js[\\\\/]lib[\\\\/]/.test(path))
const snapshot = () => new Map(modules().map(([path, { exports }]) => [path, { exports, values: { ...exports } }]))
if (process.argv[1] === 'worker') cluster.isWorker = true
const before = snapshot()
const otel = await import('@logbridge/log4js')
log4js.configure({ appenders: { otel: { type: otel } }, categories: { default: { appenders: ['otel'], level: 'info' } } })
const changed = []
for (const [path, { exports, values }] of snapshot()) {
  const former = before.get(path)
  if (former === undefined) continue
  const name = path.split(/[\\\\/]/).at(-1)
  if (exports !== former.exports) changed.push(name)
  for (const key of new Set([...Object.keys(values), ...Object.keys(former.values)])) {
    if (values[key] !== former.values[key]) changed.push(name + ' ' + key)
  }
}
console.log(JSON.stringify(changed))
process.exit()`

test.each([
  { process: 'main', patched: [] },
  { process: 'worker', patched: ['clustering.js send'] },
])(
  '@logbridge/log4js replaces $patched of log4js when it is loaded in a process: $process',
  ({ process: name, patched }) => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', PROGRAM, '--', name],
      {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        encoding: 'utf8',
      },
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(patched)
  },
)
