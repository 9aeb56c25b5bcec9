import { type BigIntStats, readdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import type { Checkpoint, Log } from './checkpoints.ts'

/** File that was found in a folder. */
export interface FoundFile {
  readonly path: string
  readonly id: string
  readonly modifiedMillis: number
}

const COMPRESSED = /\.(?:gz|bz2|xz|zst|zip|lz4|Z)$/
/** Number, date, or time that a rotation adds to a name, or `old`. */
const ADDED = /^[._-](?:[\dT:._-]*\d|old)$/

/** Tests if a file is compressed, by its name. */
export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path)
}

/** Lists the files beside a log that may be its rotated files, oldest first: `app.log.1`, `app.log-20261129`, `app-2026-11-29.log`. */
export function rotationsOf({ realPath }: Log): FoundFile[] {
  const name = basename(realPath)
  const folder = dirname(realPath)
  return namesIn(folder)
    .filter((other) => isRotationOf(other, name))
    .flatMap((other) => fileAt(join(folder, other)) ?? [])
    .toSorted((a, b) => a.modifiedMillis - b.modifiedMillis)
}

/** Tests if a file may be a rotated file of a log, by its folder and name. */
export function isFileOf(path: string, { realPath }: Log): boolean {
  return dirname(path) === dirname(realPath) && isRotationOf(basename(path), basename(realPath))
}

/** Tests if the name of a file is that of another file, rotated. */
function isRotationOf(name: string, original: string): boolean {
  if (isCompressed(name)) return false
  if (name.startsWith(original) && ADDED.test(name.slice(original.length))) return true
  const extension = extname(original)
  const stem = original.slice(0, original.length - extension.length)
  return (
    extension !== '' &&
    name.startsWith(stem) &&
    name.endsWith(extension) &&
    ADDED.test(name.slice(stem.length, name.length - extension.length))
  )
}

/** Finds the paths of files of earlier checkpoints in the folders of their logs, also under names that no rotation gives. */
export function pathsOf(checkpoints: readonly Checkpoint[]): ReadonlyMap<Checkpoint, string> {
  const folders = Map.groupBy(checkpoints, ({ realPath }) => dirname(realPath))
  const paths = new Map<Checkpoint, string>()
  for (const [folder, within] of folders) {
    const files = namesIn(folder).flatMap((name) => fileAt(join(folder, name)) ?? [])
    const pathById = new Map(files.map(({ id, path }) => [id, path]))
    for (const checkpoint of within) {
      const path = pathById.get(checkpoint.id)
      if (path !== undefined) paths.set(checkpoint, path)
    }
  }
  return paths
}

/** Returns the log whose file is found under a path. */
export function logAt(path: string): Log {
  try {
    return { path, realPath: realpathSync(path) }
  } catch {
    // The file was renamed since, or may not be read.
    return { path, realPath: path }
  }
}

/** Returns the regular file at a path, through symbolic links. */
export function fileAt(path: string): FoundFile | undefined {
  const stat = statOf(path)
  return stat?.isFile() ? { path, id: idOf(stat), modifiedMillis: Number(stat.mtimeMs) } : undefined
}

/** Returns the status of a file; `undefined` when there is none. */
export function statOf(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A folder of the path may not be entered.
    return undefined
  }
}

/** Returns device and inode of a file. */
export function idOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !isCompressed(name))
  } catch {
    // The folder has vanished, or may not be read.
    return []
  }
}
