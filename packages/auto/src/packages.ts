import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'

/**
 * Loads an optional package: as this package sees it, else as the application does.
 *
 * @returns `undefined` when the package is not installed
 * @throws the error of a package that is installed and cannot be loaded
 */
export function loadOptional(name: string): unknown {
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
  return origins().some((from) => {
    try {
      return createRequire(from).resolve(name) !== ''
    } catch {
      return false
    }
  })
}

function origins(): string[] {
  const [, script] = process.argv
  return [__filename, ...(script ? [resolve(script)] : []), join(process.cwd(), 'package.json')]
}
