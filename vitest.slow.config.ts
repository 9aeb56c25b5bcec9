import { defineConfig } from 'vitest/config'

/** Suites that install packages, run other versions of Node or whole programs: one after the other, with time to do so. */
export default defineConfig({
  test: {
    include: ['tests/slow/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
