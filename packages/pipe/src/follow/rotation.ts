import { readdirSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'

const COMPRESSED = /\.(?:gz|bz2|xz|zst|zip|lz4|Z)$/
/** Number, date, or time that a rotation adds to a name, or `old`. */
const ADDED = /^[._-](?:[\dT:._-]*\d|old)$/

/** Tests if a file is compressed, by its name. */
export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path)
}

/** Lists the files beside a file that may be the same log, rotated: `app.log.1`, `app.log-20261129`, `app-2026-11-29.log`. */
export function rotationsOf(path: string): string[] {
  const name = basename(path)
  const folder = dirname(path)
  return namesIn(folder)
    .filter((other) => isRotationOf(other, name))
    .map((other) => join(folder, other))
}

/** Tests if the name of a file is that of another file, rotated. */
export function isRotationOf(name: string, original: string): boolean {
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

/** Lists the files in the folder of a file. */
export function filesBeside(path: string): string[] {
  const folder = dirname(path)
  return namesIn(folder).map((name) => join(folder, name))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !isCompressed(name))
  } catch {
    // The folder has vanished, or may not be read.
    return []
  }
}
