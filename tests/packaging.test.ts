import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, describe, expect, it } from 'vitest'
import { type Manifest, packPackages } from '@logbridge/test-support/packages'
import { rootFolder, run, testsFolder } from '@logbridge/test-support/run'

/** Allowed dependencies of each package: an adapter depends on the bridge and on the base class of its library. */
const DEPENDENCIES: Record<string, readonly string[]> = {
  '@logbridge/auto': ['@logbridge/bridge'],
  '@logbridge/bridge': [],
  '@logbridge/bunyan': ['@logbridge/bridge'],
  '@logbridge/console': ['@logbridge/bridge'],
  '@logbridge/log4js': ['@logbridge/bridge'],
  '@logbridge/pino': ['@logbridge/bridge', 'pino-std-serializers'],
  '@logbridge/winston': ['@logbridge/bridge', 'winston-transport'],
}
const isAdapter = (name: string): boolean =>
  name in DEPENDENCIES && name !== '@logbridge/bridge' && name !== '@logbridge/auto'
/** Names that the import of a CommonJS module adds. */
const OF_COMMONJS = new Set(['default', 'module.exports'])
/** Entry points without exports. */
const PRELOADS = new Set(['@logbridge/auto', '@logbridge/auto/cjs'])
/** Files that an entry point loads when they are needed. */
const LATE_FILES: Record<string, readonly string[]> = {
  '@logbridge/auto': ['dist/attach.cjs'],
  '@logbridge/viewer': ['dist/command.js', 'dist/readerThread.js', 'dist/writerThread.js'],
}
/** Files of the viewer that are minified and have no source maps: its page, whose names have hashes, and its dependencies. */
const isMinified = (path: string): boolean => /^dist\/(?:web|vendor)\//.test(path)
/** Packages that contain code of other packages. */
const WITH_NOTICES = new Set(['@logbridge/core', '@logbridge/viewer'])
const NOTICES = 'dist/THIRD-PARTY-NOTICES.txt'
/** Packages of the viewer, which use no API of OpenTelemetry. */
const OF_VIEWER = new Set(['@logbridge/viewer', '@logbridge/mcp'])
/** Size of the viewer on the wire: its code, its page, and their source maps. */
const MAX_VIEWER_BYTES = 500_000
/** Code of one module format, which is what a process loads. */
const MAX_ADAPTER_BYTES = 60_000
/** Call of each package that throws. */
const INVALID_CALLS: Record<string, string> = {
  '@logbridge/bridge': "checkOptions('fixture', { unknown: 1 }, {})",
  '@logbridge/bunyan': 'otelStream({ unknown: 1 })',
  '@logbridge/console': 'bridgeConsole({ unknown: 1 })',
  '@logbridge/core': 'createLoggerProvider({ unknown: 1 })',
  '@logbridge/log4js': 'otelAppender({ unknown: 1 })',
  '@logbridge/pino': 'otelStream({ unknown: 1 })',
  '@logbridge/pipe': 'createLineReader({ unknown: 1 })',
  '@logbridge/viewer': 'startViewer({ grpcPort: -1 })',
  '@logbridge/winston': 'new OtelTransport({ unknown: 1 })',
}

const folder = await mkdtemp(join(tmpdir(), 'logbridge-packaging-'))
afterAll(() => rm(folder, { recursive: true }))

const packages = await packPackages(folder)

it('pnpm pack packs every package', () => {
  expect(packages.map(({ name }) => name).toSorted()).toEqual(
    [
      ...Object.keys(DEPENDENCIES),
      '@logbridge/core',
      '@logbridge/mcp',
      '@logbridge/pipe',
      '@logbridge/viewer',
    ].toSorted(),
  )
})

describe.each(packages)('$name', ({ name, manifest, manifestText, tarball, folder: unpacked, files }) => {
  it('passes publint', async () => {
    const { buffer } = new Uint8Array(await readFile(tarball))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  it('has types that match the modules of Node.js', async () => {
    const analysis = await checkPackage(createPackageFromTarballData(await readFile(tarball)))
    if (!analysis.types) throw new Error('has no types')
    // Node.js 10 ignores `exports` and is older than `engines`.
    const problems = analysis.problems.filter(
      (problem) => !('resolutionKind' in problem) || problem.resolutionKind !== 'node10',
    )
    expect(problems).toEqual([])
  })

  it('contains its entry points with source maps, a license, and a README alone', () => {
    const entryPoints = Object.values(manifest.exports)
      .flatMap((target) => (typeof target === 'string' ? target : Object.values(target).flatMap(filesOf)))
      .concat(Object.values(manifest.bin ?? {}), LATE_FILES[name] ?? [])
      .map((path: string) => path.replace(/^\.\//, ''))
    const maps = entryPoints.filter(isCode).map((path) => `${path}.map`)
    const notices = WITH_NOTICES.has(name) ? [NOTICES] : []
    const expected = new Set([...entryPoints, ...maps, ...notices, 'package.json', 'LICENSE', 'README.md'])
    // tsup puts type declarations that two entry points share into a file with a hash in its name.
    const isSharedTypes = (path: string): boolean => /^dist\/\w+-[\w-]{8}\.d\.c?ts$/.test(path)
    expect(files.filter((path) => !isSharedTypes(path) && !isMinified(path))).toEqual(
      [...expected].toSorted(),
    )
  })

  it('contains the license of each package whose code it contains', async () => {
    const dist = join(rootFolder, 'packages', name.replace('@logbridge/', ''), 'dist')
    const bundled: string[] = []
    for (const path of (await readdir(dist, { recursive: true })).filter((each) => each.endsWith('.map'))) {
      const { sources } = JSON.parse(await readFile(join(dist, path), 'utf8')) as { sources: string[] }
      for (const source of sources) {
        const found = /.*\/node_modules\/((?:@[^/]+\/)?[^/@.][^/]*)\//.exec(source)?.[1]
        if (found !== undefined && !found.includes('/.')) bundled.push(found)
      }
    }
    expect(bundled.length > 0).toBe(WITH_NOTICES.has(name))
    const notices = bundled.length > 0 ? await readFile(join(unpacked, NOTICES), 'utf8') : ''
    const licensed = [...notices.matchAll(/^(\S+) \d+\.\d+\.\d+\S* \([\w-. ]+\)$/gm)].map(
      ([, found]) => found,
    )
    expect(new Set(licensed)).toEqual(new Set(bundled))
  })

  it('exports the same names when it is imported and when it is required', async () => {
    for (const entryPoint of Object.keys(manifest.exports).filter((path) => !path.endsWith('.json'))) {
      if (PRELOADS.has(join(name, entryPoint))) continue
      const names = await run('node', ['fixtures/exportedNames.mjs', join(name, entryPoint)])
      const { imported, required } = JSON.parse(names) as { imported: string[]; required: string[] }
      expect(imported.filter((one) => required.includes(one) || !OF_COMMONJS.has(one))).toEqual(required)
      expect(imported).not.toEqual([])
    }
  })

  it('has readable code, because Node.js prints the line that threw above an uncaught error', async () => {
    for (const path of files.filter((each) => isCode(each) && !isMinified(each))) {
      const code = await readFile(join(unpacked, path), 'utf8')
      const lines = code.split('\n')
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(600)
      expect(code.length / lines.length).toBeLessThan(60)
      const nameLengths = [...code.matchAll(/\bfunction ([\w$]+)\(/g)].map(([, found]) => found!.length)
      const middle = nameLengths.toSorted((a, b) => a - b)[nameLengths.length >> 1]
      // An entry point that passes on exports has no functions.
      if (middle !== undefined) expect(middle).toBeGreaterThan(5)
    }
  })

  it.runIf(name in INVALID_CALLS).each(['import', 'require'])(
    'prints a TypeScript stack when it is loaded by %s with source maps',
    (how) => {
      const program = ['fixtures/uncaughtError.mjs', how, name, INVALID_CALLS[name]!]
      const { stderr } = spawnSync(process.execPath, ['--enable-source-maps', ...program], {
        cwd: testsFolder,
        encoding: 'utf8',
      })
      expect(stderr).toMatch(
        new RegExp(`^ +at .*/${name.replace('@logbridge', 'packages')}/src/[\\w/]+\\.ts:\\d+`, 'm'),
      )
    },
  )

  it('has a manifest without pnpm protocols', () => {
    expect(manifestText).not.toMatch(/"(workspace|catalog):/)
    expect(manifest.license).toBe('Apache-2.0')
    expect(manifest.engines?.node).toBe(name in DEPENDENCIES ? '>=20.6' : '>=22.15')
  })

  it('has @opentelemetry/api as a peer dependency', () => {
    expect(Object.keys(manifest.dependencies ?? {})).not.toContain('@opentelemetry/api')
    // The viewer decodes OTLP without the API, and mcp asks the viewer.
    if (!OF_VIEWER.has(name)) expect(manifest.peerDependencies).toHaveProperty(['@opentelemetry/api'])
  })
})

it.each(packages.filter(({ name }) => name in DEPENDENCIES))(
  '$name has its allowed dependencies alone',
  ({ name, manifest }) => {
    expect(Object.keys(manifest.dependencies ?? {}).toSorted()).toEqual(DEPENDENCIES[name])
  },
)

it.each(packages.filter(({ name }) => isAdapter(name)))('$name is small', async ({ folder: unpacked }) => {
  for (const file of ['dist/index.js', 'dist/index.cjs']) {
    expect((await stat(join(unpacked, file))).size).toBeLessThan(MAX_ADAPTER_BYTES)
  }
})

it('@logbridge/viewer is small, and installs no other package', async () => {
  const { manifest, manifestText, tarball } = packages.find(({ name }) => name === '@logbridge/viewer')!
  expect((await stat(tarball)).size).toBeLessThan(MAX_VIEWER_BYTES)
  expect(manifest.dependencies ?? {}).toEqual({})
  expect(manifestText).not.toMatch(/"(pre|post)?(install|prepare)":/)
})

it.each(['import', 'require'])('@logbridge/core loads no package of the SDK by %s', async (how) => {
  const loaded = await modulesLoaded(how, '@logbridge/core')
  expect(loaded.filter((module) => module.startsWith('@opentelemetry/')).toSorted()).toEqual([
    '@opentelemetry/api',
    '@opentelemetry/api-logs',
  ])
})

it.each(['import', 'require'])('@logbridge/core does not load undici by %s', async (how) => {
  const program = `Promise.resolve(${how}('@logbridge/core')).then(() => console.log(process.moduleLoadList.join('\\n')))`
  const loaded = await run('node', ['--input-type=commonjs', '--eval', program])
  expect(loaded).toContain('NativeModule http\n')
  expect(loaded).not.toContain('undici')
})

describe.each(Object.keys(DEPENDENCIES))('%s', (name) => {
  it.each(['import', 'require'])('loads no SDK and no gRPC by %s', async (how) => {
    const loaded = await modulesLoaded(how, name)
    expect(loaded.filter((module) => /^@opentelemetry\/(sdk|exporter|otlp)|^@grpc\//.test(module))).toEqual(
      [],
    )
  })
})

it.each(['import', 'require'])('@logbridge/auto does not load unplugin by %s', async (how) => {
  expect(await modulesLoaded(how, '@logbridge/auto')).not.toContain('unplugin')
  expect(await modulesLoaded(how, '@logbridge/auto/bundler')).toContain('unplugin')
})

it('@logbridge/bridge shares its state when a process loads the ES module and the CommonJS module', async () => {
  const seen = JSON.parse(await run('node', ['fixtures/twoCopies.mjs'])) as object
  expect(seen).toEqual({ separate: true, early: ['early'], nested: ['outer'], areInOrder: true })
})

it('packages depend on the exact version of the bridge, because the names of its internal entry point may change', () => {
  const versions = packages.map(({ manifest }) => manifest.dependencies?.['@logbridge/bridge'])
  const bridge = packages.find(({ name }) => name === '@logbridge/bridge')!
  expect(new Set(versions)).toEqual(new Set([undefined, bridge.manifest.version]))
})

it('all packages have one version', async () => {
  const versions = await Promise.all(
    packages.map(async ({ name }) => {
      const path = join(rootFolder, 'packages', name.replace('@logbridge/', ''), 'package.json')
      return (JSON.parse(await readFile(path, 'utf8')) as Manifest).version
    }),
  )
  expect(new Set(versions).size).toBe(1)
})

/** Returns the files of an entry point, or of one condition of it. */
function filesOf(target: string | { types: string; default: string }): string[] {
  return typeof target === 'string' ? [target] : Object.values(target)
}

function isCode(path: string): boolean {
  return /\.c?js$/.test(path)
}

/** Returns the names of the packages from which a module is loaded when `name` is loaded. */
async function modulesLoaded(how: string, name: string): Promise<string[]> {
  const urls = JSON.parse(await run('node', ['fixtures/loadedModules.mjs', how, name])) as string[]
  const packageOf = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/
  return [...new Set(urls.map((url) => packageOf.exec(url)?.[1] ?? ''))].filter((found) => found !== '')
}
