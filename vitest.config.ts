import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Faults that take more than some seconds: `pnpm test:faults` runs them, `pnpm test` does not. */
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
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', './tests/support/conformanceReporter.ts', './tests/support/accountReporter.ts'],
  },
})
export default config
