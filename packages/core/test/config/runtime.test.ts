import { basename } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { resolveResource } from '../../src/config/resource.ts'
import { run } from '../programs.ts'

const program = new URL('../fixtures/serviceName.mjs', import.meta.url)

test('resolveResource has the base name of the executable as the default service name in a parent and a forked child', async () => {
  const { stdout } = await run(program, { env: { OTEL_SERVICE_NAME: '' } })
  const expected = `unknown_service:${basename(process.execPath)}`
  expect(stdout.trim().split('\n')).toEqual([expected, expected])
})

test.each(['bun', 'deno'] as const)('resolveResource names the runtime when the runtime is %s', (name) => {
  // A mock of the runtime's version, because the tests run on Node.js.
  Object.defineProperty(process.versions, name, { value: '1.2.3', configurable: true })
  onTestFinished(() => void Reflect.deleteProperty(process.versions, name))
  expect(resolveResource({}, {}).attributes).toMatchObject({
    'process.runtime.name': name,
    'process.runtime.version': '1.2.3',
  })
  expect(resolveResource({}, { OTEL_NODE_RESOURCE_DETECTORS: 'os' }).attributes).not.toHaveProperty([
    'process.runtime.name',
  ])
})
