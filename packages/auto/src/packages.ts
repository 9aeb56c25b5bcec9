import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/** Packages of a bundle, by their names. A bundle has no `node_modules`. */
const bundled = new Map<string, () => unknown>()

/** Lets {@link loadOptional} find packages that are part of a bundle. */
export function useBundled(packages: Readonly<Record<string, () => unknown>>): void {
  for (const [name, load] of Object.entries(packages)) bundled.set(name, load)
}

/**
 * Loads an optional package: from the bundle, as this package sees it, else as the application does.
 *
 * @returns `undefined` when the package is not installed
 * @throws the error of a package that is installed and cannot be loaded
 */
export function loadOptional(name: string): unknown {
  const load = bundled.get(name)
  if (load) return load()
  for (const from of origins()) {
    const require = createRequire(from)
    try {
      return require(require.resolve(name))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error
    }
  }
  return undefined
}

/** Tests if an optional package is installed. */
export function canLoad(name: string): boolean {
  return bundled.has(name) || resolveOptional(name) !== undefined
}

/** Returns the file of an optional package; `undefined` when the package is not installed. */
export function resolveOptional(name: string): string | undefined {
  for (const from of origins()) {
    try {
      return createRequire(from).resolve(name)
    } catch {
      // The next origin may find the package.
    }
  }
  return undefined
}

function origins(): string[] {
  const [, script] = process.argv
  // An ES module, which a bundle may be, has no `__filename`.
  const own = typeof __filename === 'string' ? [__filename] : []
  return [...own, ...(script ? [resolve(script)] : []), join(process.cwd(), 'package.json')]
}
