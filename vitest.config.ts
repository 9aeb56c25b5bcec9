import { availableParallelism } from 'node:os'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** What takes more than some seconds, wherever it lies: `pnpm test:long` runs it, `pnpm test` does not. */
export const LONG = { name: 'long', description: 'takes more than some seconds', timeout: 300_000 } as const

const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'tests/*.test.ts',
      'tests/otel-*/*.test.ts',
      'tests/faults/*.test.ts',
    ],
    tags: [LONG],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    // On two cores vitest would take one, though much of the time is spent waiting for child processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    silent: 'passed-only',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './tests/support/conformanceReporter.ts', './tests/support/accountReporter.ts'],
  },
})
export default config
