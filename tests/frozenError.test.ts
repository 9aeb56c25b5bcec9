import { expect, test } from 'vitest'
import { run } from '@logbridge/test-support/run'

test('adapters send records when Error is frozen and has no stack to read', async () => {
  const printed = await run('node', ['fixtures/frozenError.mjs'])
  expect(printed.split('\n').at(-1)).toBe('["from bunyan","from console"]')
})
