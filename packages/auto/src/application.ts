import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Packages that instrument an application, by their names. The adapters take the place of those for logging libraries. */
const INSTRUMENTATION =
  /^@opentelemetry\/(?:instrumentation-(?!winston$|pino$|bunyan$)|auto-instrumentations-node$)|^@fastify\/otel$|^@prisma\/instrumentation$/

/** Returns the script that Node.js runs; `undefined` for `--eval` and a REPL. */
export function mainScript(): string | undefined {
  const [, script] = process.argv
  try {
    return script && realpathSync(resolve(script))
  } catch {
    return undefined
  }
}

/** Tests for the command of a package, such as `tsc`, `npm`, or `next`, which is not the application's own script. */
export function isCommand(script: string | undefined): boolean {
  return script !== undefined && /[\\/]node_modules[\\/]/.test(script)
}

/**
 * Lists the instrumentations among the dependencies of an application.
 *
 * @param folder folder of the script, or working folder
 */
export function instrumentationsOf(folder: string): string[] {
  const { dependencies, devDependencies, optionalDependencies } = readManifest(folder)
  const names = Object.keys({ ...devDependencies, ...optionalDependencies, ...dependencies })
  return names.filter((name) => INSTRUMENTATION.test(name))
}

interface Manifest {
  dependencies?: object
  devDependencies?: object
  optionalDependencies?: object
}

/** Reads the nearest `package.json` that names dependencies. A `package.json` with `type` alone only marks a folder. */
function readManifest(folder: string): Manifest {
  const parent = dirname(folder)
  try {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest & {
      name?: string
    }
    if (manifest.name !== undefined || manifest.dependencies !== undefined || parent === folder)
      return manifest
  } catch {
    if (parent === folder) return {}
  }
  return readManifest(parent)
}
