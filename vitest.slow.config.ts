import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Suites that install packages or run other versions of Node.js: one after the other, with time to do so. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/{slow,consumers}/*.test.ts'],
    globalSetup: 'tests/support/registrySetup.ts',
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
export default config
