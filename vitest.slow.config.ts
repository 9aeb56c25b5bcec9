import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { LONG } from './vitest.config.ts'

/** Runs suites that install packages or use other versions of Node.js, one after the other. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/{slow,consumers}/*.test.ts'],
    tags: [LONG],
    globalSetup: 'tests/support/registrySetup.ts',
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
export default config
