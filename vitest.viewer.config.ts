import { defineConfig, type ViteUserConfig } from 'vitest/config'

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
