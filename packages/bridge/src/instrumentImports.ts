import Module, { isBuiltin, syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'
import { onModuleLoad } from './moduleLoads.ts'
import { warnOnce } from './warnings.ts'

/** Part of an instrumentation of OpenTelemetry that names the modules it patches. */
interface PatchesModules {
  getModuleDefinitions?(): readonly { readonly name: string }[]
  /** Definitions of an instrumentation without `getModuleDefinitions`. */
  readonly _modules?: readonly { readonly name: string }[]
}

const { _cache: cache, prototype } = Module as unknown as {
  _cache: Record<string, Module | undefined>
  prototype: Module
}

/** Packages whose files are passed to instrumentations. */
const packages = new Set<string>()
let isWatching = false

/**
 * Applies instrumentations to what ES modules import. An instrumentation patches a module when the module passes
 * `Module.prototype.require`, which `import` does not call:
 * - a package in CommonJS passes `require` as soon as it is loaded, before the import has read its exports;
 * - a module of Node.js passes `require` now, and the named imports of all ES modules are updated.
 *
 * An ES module of a package is not patched, which needs the loader hook of `@opentelemetry/instrumentation`. Warns of each package
 * that was loaded before.
 */
export function instrumentImports(instrumentations: readonly object[]): void {
  const names = new Set(instrumentations.flatMap(moduleNames))
  for (const name of names) {
    if (isBuiltin(name)) requireBuiltin(name)
    else {
      packages.add(name)
      if (Object.entries(cache).some(([file, module]) => packageOf(file) === name && !isPatched(module!)))
        warnOfLoaded(name)
    }
  }
  if (names.size > 0) syncBuiltinESMExports()
  if (packages.size > 0) watchLoads()
}

// oxlint-disable no-underscore-dangle -- names of Node.js and of OpenTelemetry
function moduleNames(instrumentation: PatchesModules): string[] {
  const definitions = instrumentation.getModuleDefinitions?.() ?? instrumentation._modules ?? []
  return definitions.map(({ name }) => name)
}

/** Passes a module of Node.js to `require` of a file, because loader hooks of import-in-the-middle need the path of a parent. */
function requireBuiltin(name: string): void {
  const filename = resolve('logbridge.cjs')
  prototype.require.call(Object.assign(new Module(filename), { filename }), name)
}

function watchLoads(): void {
  if (isWatching) return
  isWatching = true
  onModuleLoad(
    (filename) => packages.has(packageOf(filename) ?? ''),
    (module, filename) => {
      // For `require` itself the instrumentation patches afterwards.
      module.exports = module.require(filename)
    },
  )
}

/** Returns the package of a file in the last `node_modules` of its path. */
function packageOf(filename: string): string | undefined {
  const [, ...inside] = filename.split(/[\\/]node_modules[\\/]/)
  const [scope, name] = inside.at(-1)?.split(/[\\/]/) ?? []
  return scope?.startsWith('@') ? `${scope}/${name}` : scope
}

/** Tests if the exports of a module passed `require-in-the-middle`, which OpenTelemetry patches modules by. */
function isPatched(module: Module): boolean {
  return Object.getOwnPropertySymbols(module).some(({ description }) => description === 'RitmExports')
}

function warnOfLoaded(name: string): void {
  warnOnce(
    `loaded-${name}`,
    `${name} was loaded before its instrumentation, so that its spans are missing. Start telemetry in a separate file, ` +
      `before the application: node --import ./telemetry.js app.js`,
  )
}
