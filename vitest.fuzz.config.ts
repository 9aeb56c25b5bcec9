import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** Sends 100,000 requests to hostile servers, whose answers come from `FUZZ_SEED`. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['packages/core/test/transport/grpcFuzz.test.ts'],
    env: { FUZZ_COUNT: '100000' },
    pool: 'forks',
  },
})
export default config
