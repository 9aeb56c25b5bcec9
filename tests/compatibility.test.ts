import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Manifest } from '@logbridge/test-support/packages'
import { rootFolder } from '@logbridge/test-support/run'

const table = await readFile(join(rootFolder, 'docs/compatibility.md'), 'utf8')
const rows = table.match(/^\| `@logbridge\/.*/gm)!.map((line) => {
  const [name, node, opentelemetry, library] = line
    .split('|')
    .slice(1)
    .map((cell) => cell.trim())
  return { name: name!, node: node!, opentelemetry: opentelemetry!, library: library! }
})

async function manifestOf(name: string): Promise<Manifest> {
  const folder = /@logbridge\/(?<folder>\w+)/.exec(name)!.groups!['folder']!
  return JSON.parse(await readFile(join(rootFolder, 'packages', folder, 'package.json'), 'utf8')) as Manifest
}

test.each(rows.filter(({ name }) => /^`\S+`$/.test(name)))(
  'docs/compatibility.md has the versions of package.json when the package is $name',
  async ({ name, node, opentelemetry, library }) => {
    const { engines, peerDependencies = {} } = await manifestOf(name)
    expect(node).toBe(`${engines!.node!.replace('>=', '')} or later`)
    const api = peerDependencies['@opentelemetry/api']
    const generations: Record<string, string> = { '>=1.4 <2': '2.x or 3.x', '>=1.10 <2': '3.x' }
    expect(opentelemetry).toBe(api === undefined ? 'any, it receives OTLP' : generations[api])
    const range = peerDependencies[name.slice('`@logbridge/'.length, -1)]
    const libraries: Record<string, string> = {
      '^3.0.0': 'winston 3',
      '^6.0.0': 'log4js 6',
      '>=8 <11': 'pino 8, 9, 10',
      '>=1.8 <3': 'bunyan 1.8, 2',
    }
    expect(library).toBe(range === undefined ? '' : libraries[range])
  },
)

test('docs/compatibility.md has a row for each package', () => {
  const names = rows.map(({ name }) => /@logbridge\/(?<folder>\w+)/.exec(name)!.groups!['folder'])
  expect(new Set(names)).toEqual(
    new Set(['auto', 'bridge', 'bunyan', 'console', 'core', 'log4js', 'pino', 'viewer', 'winston']),
  )
})
