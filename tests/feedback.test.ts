import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('what an export prints to a bridged console is not sent: no ContextManager is needed', () => {
  const program = fileURLToPath(new URL('fixtures/feedback.mjs', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [program], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, GRPC_TRACE: 'all', GRPC_VERBOSITY: 'DEBUG' },
  })
  // The export did print.
  expect(stderr.split('\n').length).toBeGreaterThan(20)
  expect(stdout).toContain('created 1\n')
})
