import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Runs the suites of the logging libraries with the adapters attached. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/upstream/*.test.ts'],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    testTimeout: 480_000,
  },
})
export default config
