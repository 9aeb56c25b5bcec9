import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { preProcessFile } from 'typescript'
import { expect, test } from 'vitest'

const CORE = 'packages/core/src'
/** Layers of core from top to bottom, as in docs/architecture.md. The files at the root of `src` are the top layer. */
const LAYERS = ['.', 'logs', 'signals', 'queue', 'spool', 'transport', 'otlp', 'config', 'process']
/** Packages of logbridge that each package may import at run time or for types. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  bridge: [],
  core: ['bridge'],
  pipe: ['bridge', 'core'],
  // The transport runs in a worker thread of pino, and starts the core there.
  pino: ['bridge', 'core'],
  // The preload starts the core when it is installed.
  auto: ['bridge', 'core', 'bunyan', 'console', 'log4js', 'pino', 'winston'],
  viewer: [],
  mcp: ['viewer'],
}
const ADAPTER = ['bridge']

interface Import {
  readonly from: string
  readonly to: string
}

/** Lists every import, export from, `import()` and `import type` of the files, as paths or names of packages. */
function importsOf(pattern: string): Import[] {
  return globSync(pattern, { exclude: (path) => path.includes('node_modules') }).flatMap((from) =>
    preProcessFile(readFileSync(from, 'utf8'), true, true).importedFiles.map(({ fileName }) => ({
      from,
      to: fileName.startsWith('.') ? join(dirname(from), fileName) : fileName,
    })),
  )
}

function layerOf(file: string): string {
  const [first = '', second] = relative(CORE, file).split('/')
  return second === undefined ? '.' : first
}

const own = importsOf(`${CORE}/**/*.ts`).filter(({ to }) => to.startsWith(CORE))

test('core has only the layers of its architecture', () => {
  const layers = new Set(globSync(`${CORE}/**/*.ts`).map(layerOf))
  expect([...layers].toSorted()).toEqual(LAYERS.toSorted())
})

test('docs/architecture.md draws the layers of core from top to bottom', () => {
  const document = readFileSync('docs/architecture.md', 'utf8')
  const drawn = Array.from(document.matchAll(/^(\w+)\/ +\w+\.ts/gm), ([, layer]) => layer)
  expect(drawn).toEqual(LAYERS.slice(1))
})

test('docs/architecture.md names files that exist', () => {
  const named = readFileSync('docs/architecture.md', 'utf8').matchAll(/`([\w/]+\.ts)`/g)
  const files = globSync('packages/*/src/**/*.ts').map((file) => `/${file}`)
  const missing = Array.from(named, ([, name]) => name!).filter(
    (name) => !files.some((file) => file.endsWith(`/${name}`)),
  )
  expect(missing).toEqual([])
})

test('the sending queue imports nothing of the spool', () => {
  const imports = own
    .filter(({ from }) => from.endsWith('queue/sendingQueue.ts'))
    .map(({ to }) => layerOf(to))
  expect(imports).toContain('transport')
  expect(imports).not.toContain('spool')
})

test('core imports no file of a higher layer', () => {
  expect(own.length).toBeGreaterThan(100)
  const upward = own.filter(({ from, to }) => LAYERS.indexOf(layerOf(to)) < LAYERS.indexOf(layerOf(from)))
  expect(upward.map(({ from, to }) => `${from} -> ${to}`)).toEqual([])
})

test('core has no circle of imports', () => {
  const targets = Map.groupBy(own, ({ from }) => from)
  const done = new Set<string>()
  const circles: string[] = []
  function visit(file: string, path: readonly string[]): void {
    const start = path.indexOf(file)
    if (start >= 0) circles.push([...path.slice(start), file].join(' -> '))
    if (start >= 0 || done.has(file)) return
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of targets.keys()) visit(file, [])
  expect(circles).toEqual([])
})

test('a package imports only the packages below it', () => {
  const wrong = importsOf('packages/*/src/**/*.ts').filter(({ from, to }) => {
    const owner = from.split('/')[1]!
    const target = /^@logbridge\/([^/]+)/.exec(to)?.[1]
    return target !== undefined && target !== owner && !(ALLOWED[owner] ?? ADAPTER).includes(target)
  })
  expect(wrong).toEqual([])
})

test('@logbridge/test-support is imported by its name, and imports no test of a package', () => {
  const outside = importsOf('tests/support/*.{ts,mjs}').filter(
    ({ to }) => to.includes('/') && to.startsWith('packages/'),
  )
  expect(outside).toEqual([])
  const past = importsOf('{tests,packages/*/test,benchmarks}/**/*.{ts,mjs,js}').filter(
    ({ from, to }) => to.startsWith('tests/support/') && !from.startsWith('tests/support/'),
  )
  expect(past).toEqual([])
})
