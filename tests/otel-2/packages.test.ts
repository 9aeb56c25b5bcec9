/* That this folder is what it says: OpenTelemetry 2.x, and the packages as they were built last. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as api from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { rootFolder } from '@logbridge/test-support/run'

const require = createRequire(import.meta.url)

test('@opentelemetry/api is 1.9, which knows no logs', () => {
  expect(readFileSync(join(dirname(require.resolve('@opentelemetry/api')), 'version.js'), 'utf8')).toMatch(
    /VERSION = '1\.9\.\d+'/,
  )
  expect(api).not.toHaveProperty('logs')
})

test.each(['bridge', 'winston', 'pino', 'bunyan', 'log4js', 'console'])(
  '@logbridge/%s is a copy of its own, with this API and this bridge',
  (name) => {
    const manifest = require.resolve(`@logbridge/${name}/package.json`)
    const own = createRequire(manifest)
    expect(own.resolve('@opentelemetry/api')).toBe(require.resolve('@opentelemetry/api'))
    if (name !== 'bridge') expect(own.resolve('@logbridge/bridge')).toBe(require.resolve('@logbridge/bridge'))
    // pnpm copies it after each `pnpm build`, but not when a package is built in another way.
    const contents = (folder: string): Record<string, string> =>
      Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
    const copied = contents(join(dirname(manifest), 'dist'))
    expect(copied, 'run pnpm build').toEqual(contents(join(rootFolder, 'packages', name, 'dist')))
  },
)
