import { availableParallelism } from 'node:os'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Tag of tests that take more than about 2 seconds. `pnpm test:long` runs them, `pnpm test` skips them. */
export const LONG = {
  name: 'long',
  description: 'takes more than about 2 seconds',
  timeout: 300_000,
} as const

const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'tests/*.test.ts',
      'tests/otel-*/*.test.ts',
      'tests/faults/*.test.ts',
    ],
    // `pnpm test:viewer` runs the tests in a browser.
    exclude: ['packages/viewer/test/page/**'],
    tags: [LONG],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    // vitest uses one worker on two cores, but most tests wait for child processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    silent: 'passed-only',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './tests/support/conformanceReporter.ts', './tests/support/countsReporter.ts'],
  },
})
export default config
