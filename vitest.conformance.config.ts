import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Runs the conformance suite and writes its table to docs/conformance.md. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['**/conformance.test.ts'],
    setupFiles: './tests/support/capturedDiagnostics.ts',
    pool: 'forks',
    testTimeout: 30_000,
    reporters: ['default', ['./tests/support/conformanceReporter.ts', { file: 'docs/conformance.md' }]],
  },
})
export default config
