import { afterEach, expect, test } from 'vitest'
import { createBridge } from '../src/bridge.ts'
import { oldNode, requireNode } from '../src/nodeVersion.ts'
import { adapter } from './adapter.ts'

const { versions } = process
afterEach(() => void Object.defineProperty(process, 'versions', { value: versions }))

function run(running: Partial<NodeJS.ProcessVersions>): void {
  Object.defineProperty(process, 'versions', { value: running, configurable: true })
}

test.each([
  ['18.20.8', [20, 6], 'Node.js 20.6 or later; this is 18.20.8'],
  ['20.5.1', [20, 6], 'Node.js 20.6 or later; this is 20.5.1'],
  ['20.6.0', [20, 6], undefined],
  ['20.20.2', [22, 15], 'Node.js 22.15 or later; this is 20.20.2'],
  ['22.15.0', [22, 15], undefined],
  ['24.0.0', [22, 15], undefined],
] as const)('oldNode describes a version when it is too old: %s for %s', (node, least, text) => {
  run({ node })
  expect(oldNode(least)).toBe(text)
})

test('oldNode describes nothing when the process is not Node.js', () => {
  run({ node: '20.11.1', deno: '2.0.0' })
  expect(oldNode([22, 15])).toBeUndefined()
  run({ node: '18.0.0', bun: '1.0.0' })
  expect(oldNode([22, 15])).toBeUndefined()
})

test('requireNode throws one sentence when the version is too old', () => {
  run({ node: '18.20.8' })
  const message = 'logbridge needs Node.js 20.6 or later; this is 18.20.8'
  expect(() => requireNode()).toThrow(expect.objectContaining({ code: 'NODE_VERSION', message }))
  expect(() => createBridge(adapter)).toThrow(message)
})
