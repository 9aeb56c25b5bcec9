import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Sends 100,000 requests to hostile servers, and 100,000 mutated requests and 10,000 mutated queries to the viewer, by `FUZZ_SEED`. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['packages/core/test/transport/grpcFuzz.test.ts', 'packages/viewer/test/server/fuzz.test.ts'],
    env: { FUZZ_COUNT: '100000' },
    pool: 'forks',
  },
})
export default config
