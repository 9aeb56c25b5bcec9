import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { rootFolder, run } from './run.ts'

/** Fields of a package.json that tests read. */
export interface Manifest {
  name: string
  version: string
  private?: boolean
  license?: string
  bin?: Record<string, string>
  engines?: { node?: string }
  exports: Record<string, string | Record<string, string | { types: string; default: string }>>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export interface PackedPackage {
  name: string
  /** Published manifest, with versions instead of `workspace:` and `catalog:`. */
  manifest: Manifest
  manifestText: string
  /** Path of the .tgz file. */
  tarball: string
  /** Folder with the unpacked content. */
  folder: string
  /** Paths of the content, relative to `folder`. */
  files: string[]
}

/** Packs every package under packages/ like `pnpm publish`, and unpacks it, inside `folder`. */
export async function packPackages(folder: string): Promise<PackedPackage[]> {
  const report = await run(
    'pnpm',
    ['--filter', './packages/*', 'pack', '--json', '--pack-destination', folder],
    rootFolder,
  )
  const packed = JSON.parse(report) as { name: string; filename: string; files: { path: string }[] }[]
  return Promise.all(packed.map(({ filename }) => unpack(filename)))
}

async function unpack(tarball: string): Promise<PackedPackage> {
  const parent = `${tarball}.unpacked`
  await run('mkdir', [parent])
  await run('tar', ['-xzf', tarball, '-C', parent])
  const folder = join(parent, 'package')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const manifestText = await readFile(join(folder, 'package.json'), 'utf8')
  const manifest = JSON.parse(manifestText) as Manifest
  return {
    name: manifest.name,
    manifest,
    manifestText,
    tarball,
    folder,
    files: paths.map((path) => path.slice(folder.length + 1)).toSorted(),
  }
}
