import { existsSync } from 'node:fs'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const chromium = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
if (!existsSync(chromium)) {
  const message = `No Chromium at ${chromium}: install chromium, or set CHROMIUM to its path.`
  if (process.env['CI'] === 'true') throw new Error(message)
  console.warn(`${message} The tests of the page are skipped.`)
}

/** Runs the tests of the viewer's page in Chromium, one file at a time. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['packages/viewer/test/page/**/*.test.ts'],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    fileParallelism: false,
    silent: 'passed-only',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
export default config
