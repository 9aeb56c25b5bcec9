import { expect, test } from 'vitest'
import { run } from '@logbridge/test-support/run'

test('where Error is frozen and no stack can be read, records arrive all the same', async () => {
  const printed = await run('node', ['fixtures/frozenError.mjs'])
  expect(printed.split('\n').at(-1)).toBe('["from bunyan","from console"]')
})
