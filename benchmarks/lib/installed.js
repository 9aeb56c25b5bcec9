import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Counts what an application installs for a package: the package, its dependencies, and its peer dependencies.
 *
 * @returns number of packages, and the sum of the lengths of their files, in bytes
 */
export function installed(name) {
  const folders = new Set()
  collect(name, import.meta.dirname, folders)
  const bytes = [...folders].reduce((sum, folder) => sum + packedBytes(folder), 0)
  return { packages: folders.size, bytes }
}

function collect(name, from, folders) {
  const folder = find(name, from)
  if (folders.has(folder)) return
  folders.add(folder)
  const { dependencies, peerDependencies, peerDependenciesMeta } = manifest(folder)
  const peers = Object.keys(peerDependencies ?? {}).filter((peer) => !peerDependenciesMeta?.[peer]?.optional)
  for (const dependency of [...Object.keys(dependencies ?? {}), ...peers]) {
    collect(dependency, folder, folders)
  }
}

/** Finds a package as Node.js does: in `node_modules` of each folder above. */
function find(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    try {
      return realpathSync(join(folder, 'node_modules', name))
    } catch (error) {
      if (folder === dirname(folder)) throw error
    }
  }
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** Returns the length of the files that a package publishes. A package of this repository has others beside them. */
function packedBytes(folder) {
  const { name, files } = manifest(folder)
  const packed = name.startsWith('@logbridge/') ? [...files, 'package.json', 'README.md'] : ['.']
  return packed.reduce((sum, path) => sum + bytesOf(join(folder, path)), 0)
}

function bytesOf(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.size
  const names = readdirSync(path).filter((name) => name !== 'node_modules')
  return names.reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}
