import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** The conformance suite alone; writes what `pnpm test` prints of it to docs/conformance.md. */
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
