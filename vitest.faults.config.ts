import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { LONG } from './vitest.config.ts'

/** Runs every fault test, including long ones, with a Collector, and prints the counts of all records. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/faults/*.test.ts'],
    tags: [LONG],
    env: { CUT_SECONDS: '60' },
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './tests/support/countsReporter.ts'],
  },
})
export default config
