import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { LONG } from './vitest.config.ts'

/** Every fault, also those that take long, against the real Collector; prints what became of all records. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/faults/*.test.ts'],
    tags: [LONG],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './tests/support/accountReporter.ts'],
  },
})
export default config
