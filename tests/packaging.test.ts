import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, describe, expect, it } from 'vitest'
import { type Manifest, packPackages } from './support/packages.ts'
import { rootFolder, run } from './support/run.ts'

/** What each package may depend on: an adapter on the bridge and what connects it to its library. */
const DEPENDENCIES: Record<string, readonly string[]> = {
  '@logbridge/bridge': [],
  '@logbridge/bunyan': ['@logbridge/bridge'],
  '@logbridge/console': ['@logbridge/bridge'],
  '@logbridge/log4js': ['@logbridge/bridge'],
  '@logbridge/pino': ['@logbridge/bridge'],
  '@logbridge/winston': ['@logbridge/bridge', 'winston-transport'],
}
const isAdapter = (name: string): boolean => name in DEPENDENCIES && name !== '@logbridge/bridge'
const MAX_ADAPTER_BYTES = 80_000

const folder = await mkdtemp(join(tmpdir(), 'logbridge-packaging-'))
afterAll(() => rm(folder, { recursive: true }))

const packages = await packPackages(folder)

it('packs every package', () => {
  expect(packages.map(({ name }) => name).toSorted()).toEqual(
    [...Object.keys(DEPENDENCIES), '@logbridge/core', '@logbridge/viewer'].toSorted(),
  )
})

describe.each(packages)('$name', ({ name, manifest, manifestText, tarball, folder: unpacked, files }) => {
  it('has nothing that publint complains about', async () => {
    const { buffer } = new Uint8Array(await readFile(tarball))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  it('has types that fit what Node.js loads', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(await readFile(tarball)))
    if (!analysis.types) throw new Error('has no types')
    // Node.js 10 knows no `exports`: not a version we can run on.
    const problems = analysis.problems.filter(
      (problem) => !('resolutionKind' in problem) || problem.resolutionKind !== 'node10',
    )
    expect(problems).toEqual([])
  })

  it('contains what it exports, a licence and a README, and nothing else', () => {
    const entryPoints = Object.values(manifest.exports)
      .flatMap((target) =>
        typeof target === 'string' ? target : Object.values(target).flatMap(Object.values),
      )
      .concat(Object.values(manifest.bin ?? {}))
      .map((path: string) => path.replace(/^\.\//, ''))
    const expected = new Set([...entryPoints, 'package.json', 'LICENSE', 'README.md'])
    // Type declarations that two entry points share stand in a file of their own, whose name is a hash.
    const isSharedTypes = (path: string): boolean => /^dist\/\w+-[\w-]{8}\.d\.c?ts$/.test(path)
    expect(files.filter((path) => !isSharedTypes(path))).toEqual([...expected].toSorted())
  })

  it('exports the same names to import and to require', async () => {
    for (const entryPoint of Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'))) {
      const names = await run('node', ['fixtures/exportedNames.mjs', join(name, entryPoint)])
      const { imported, required } = JSON.parse(names) as { imported: string[]; required: string[] }
      expect(imported.filter((exported) => exported !== 'module.exports')).toEqual(required)
      expect(imported).not.toEqual([])
    }
  })

  it('has no line that would bury the message of an uncaught error', async () => {
    for (const path of files.filter((file) => /\.c?js$/.test(file))) {
      const text = await readFile(join(unpacked, path), 'utf8')
      expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(600)
    }
  })

  it('has a manifest that npm understands', () => {
    expect(manifestText).not.toMatch(/"(workspace|catalog):/)
    expect(manifest.license).toBe('Apache-2.0')
    expect(manifest.engines?.node).toBe(name in DEPENDENCIES ? '>=20.6' : '>=22.15')
  })

  it('leaves @opentelemetry/api to the application', () => {
    expect(Object.keys(manifest.dependencies ?? {})).not.toContain('@opentelemetry/api')
    // The viewer reads OTLP: it has no use for the API.
    if (name !== '@logbridge/viewer') expect(manifest.peerDependencies).toHaveProperty(['@opentelemetry/api'])
  })
})

it.each(packages.filter(({ name }) => name in DEPENDENCIES))(
  '$name depends on what it wraps and nothing else',
  ({ name, manifest }) => {
    expect(Object.keys(manifest.dependencies ?? {}).toSorted()).toEqual(DEPENDENCIES[name])
  },
)

it.each(packages.filter(({ name }) => isAdapter(name)))('$name is small', ({ unpackedSize }) => {
  expect(unpackedSize).toBeLessThan(MAX_ADAPTER_BYTES)
})

it('finds modules that are loaded, where they are', async () => {
  expect(await modulesLoaded('import', '@logbridge/core')).toContain('@grpc/grpc-js')
})

describe.each(Object.keys(DEPENDENCIES))('%s', (name) => {
  it.each(['import', 'require'])('loads no SDK and no gRPC by %s', async (how) => {
    const loaded = await modulesLoaded(how, name)
    expect(loaded.filter((module) => /^@opentelemetry\/(sdk|exporter|otlp)|^@grpc\//.test(module))).toEqual(
      [],
    )
  })
})

it('shares its state between the ES module and the CommonJS copy in one process', async () => {
  const seen = JSON.parse(await run('node', ['fixtures/twoCopies.mjs'])) as object
  expect(seen).toEqual({ separate: true, early: ['early'], nested: ['outer'], areInOrder: true })
})

it('is released together, each package of the workspace at one version', async () => {
  const versions = await Promise.all(
    packages.map(async ({ name }) => {
      const path = join(rootFolder, 'packages', name.replace('@logbridge/', ''), 'package.json')
      return (JSON.parse(await readFile(path, 'utf8')) as Manifest).version
    }),
  )
  expect(new Set(versions).size).toBe(1)
})

/** Names of the packages from which importing `name` loads a module. */
async function modulesLoaded(how: string, name: string): Promise<string[]> {
  const urls = JSON.parse(await run('node', ['fixtures/loadedModules.mjs', how, name])) as string[]
  const packageOf = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/
  return [...new Set(urls.map((url) => packageOf.exec(url)?.[1] ?? ''))].filter((found) => found !== '')
}
