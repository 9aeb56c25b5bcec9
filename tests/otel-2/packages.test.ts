/* Checks that the folder has OpenTelemetry 2.x and the packages of the last build. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import * as api from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { rootFolder } from '@logbridge/test-support/run'

const require = createRequire(import.meta.url)

test('tests/otel-2 has @opentelemetry/api 1.9, which has no Logs API', () => {
  expect(readFileSync(join(dirname(require.resolve('@opentelemetry/api')), 'version.js'), 'utf8')).toMatch(
    /VERSION = '1\.9\.\d+'/,
  )
  expect(api).not.toHaveProperty('logs')
})

test.each(['bridge', 'winston', 'pino', 'bunyan', 'log4js', 'console'])(
  'tests/otel-2 has a copy of @logbridge/%s that resolves its API and bridge',
  (name) => {
    const manifest = require.resolve(`@logbridge/${name}/package.json`)
    const requireFromCopy = createRequire(manifest)
    expect(requireFromCopy.resolve('@opentelemetry/api')).toBe(require.resolve('@opentelemetry/api'))
    if (name !== 'bridge')
      expect(requireFromCopy.resolve('@logbridge/bridge')).toBe(require.resolve('@logbridge/bridge'))
    // pnpm copies the package after `pnpm build`, but not after another kind of build.
    const contents = (folder: string): Record<string, string> =>
      Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), 'utf8')]))
    const copied = contents(join(dirname(manifest), 'dist'))
    expect(copied, 'run pnpm build').toEqual(contents(join(rootFolder, 'packages', name, 'dist')))
  },
)
