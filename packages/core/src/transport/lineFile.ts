import {
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  unlinkSync,
} from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { promisify } from 'node:util'
import { rearm, warnOnce } from '@logbridge/bridge/internal'
import type { FileConfig } from '../config/file.ts'
import { append, appendSync, type Descriptor, type LineSink, pause } from './appendLines.ts'

// Files of OTLP JSON lines. `logs.jsonl` is the current file. At `maxBytes` the file is renamed to `logs-<time>.jsonl`, as by the file
// exporter of the Collector, and a new file is begun. Processes may share the path, because every write appends whole lines, no two
// rotated files have the same name, and each process notices when another process has renamed the file.

const sync = promisify(fdatasync)
/** Appends, and does not wait for the reader of a named pipe. Windows has no such flag. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0)
const NEWLINE = 0x0a
/** Longest pause of another process amid a write to the page cache, in milliseconds. */
const WRITE_MILLIS = 10

interface OpenFile extends Descriptor {
  readonly dev: number
  readonly ino: number
  readonly isFile: boolean
}

/** Creates a sink that appends to a file. The folder is created when missing. */
export function createLineFile(config: FileConfig): LineSink {
  const { path, maxBytes } = config
  let file: OpenFile | undefined

  function close(): void {
    const open = file
    file = undefined
    if (open !== undefined) closeIgnoringErrors(open.fd)
  }

  return {
    async write(lines, attempt) {
      // Asynchronous, because a file system that does not answer would block the event loop.
      const found = await statOf(path)
      if (file && (file.ino !== found?.ino || file.dev !== found.dev)) close()
      if (found?.isFile() && found.size > 0 && found.size + lines.length > maxBytes) {
        rotate(config)
        close()
      }
      file ??= openFile(path)
      const size = sizeOf(file)
      try {
        await append(file, lines, attempt)
        if (config.fsync && file.isFile) await sync(file.fd)
      } catch (error) {
        removePart(file, size)
        // The next attempt opens the file again, because a descriptor of a network drive or a pipe may stay broken.
        close()
        throw error
      }
    },
    writeSync(lines, endsAt) {
      // A second descriptor, because a `write` may be in progress.
      const own = openFile(path)
      try {
        appendSync(own, lines, endsAt)
        if (config.fsync && own.isFile) fdatasyncSync(own.fd)
      } finally {
        closeIgnoringErrors(own.fd)
      }
    },
    // A full disk, a folder without permission, or a pipe without a reader can change.
    isFinal: () => false,
    close,
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

function openFile(path: string): OpenFile {
  let fd: number
  try {
    fd = openSync(path, APPEND)
  } catch (error) {
    if (!isMissing(error)) throw error
    mkdirSync(dirname(path), { recursive: true })
    fd = openSync(path, APPEND)
  }
  const stats = fstatSync(fd)
  const isFile = stats.isFile()
  const isTorn = isFile && endsAmidLine(path, stats.size)
  return { fd, dev: stats.dev, ino: stats.ino, isFile, isTorn, appended: 0 }
}

/**
 * Tells if a killed process or a full disk has left a part of a line at the end. The file of another process that is amid a write grows
 * within the pause.
 */
function endsAmidLine(path: string, size: number): boolean {
  if (size === 0) return false
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY)
  } catch {
    // A file that cannot be read can still be appended to.
    return false
  }
  try {
    const last = Buffer.alloc(1)
    for (let end = size, before = -1; ; before = end, end = fstatSync(fd).size) {
      if (readSync(fd, last, 0, 1, end - 1) !== 1 || last[0] === NEWLINE) return false
      if (end === before) return true
      pause(WRITE_MILLIS)
    }
  } finally {
    closeIgnoringErrors(fd)
  }
}

function sizeOf({ fd, isFile }: OpenFile): number {
  return isFile ? fstatSync(fd).size : 0
}

/** Removes a part of the lines that a full disk has left, unless another process has appended meanwhile. */
function removePart(file: OpenFile, size: number): void {
  if (!file.isFile || !file.isTorn) return
  try {
    if (fstatSync(file.fd).size === size + file.appended) ftruncateSync(file.fd, size)
  } catch {
    // The part stays, and the next line begins with a newline.
  }
}

/** Renames the current file, and removes the oldest files beyond the limit. After a failure the current file grows. */
function rotate({ path, files }: FileConfig): void {
  try {
    const target = reserveName(path)
    try {
      renameSync(path, target)
    } catch (error) {
      unlinkSync(target)
      // Another process has just rotated the file.
      if (!isMissing(error)) throw error
    }
    const rotated = rotatedFiles(path)
    for (const name of rotated.slice(0, Math.max(0, rotated.length - (files - 1)))) {
      removeOnce(join(dirname(path), name))
    }
    rearm(`rotate ${path}`)
  } catch (error) {
    warnOnce(`rotate ${path}`, `rotation of ${path} failed, the files may exceed their limits`, error)
  }
}

/** Removes a file, unless another process has removed it. */
function removeOnce(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** Creates an empty file with a name that no other process or file has. */
function reserveName(path: string): string {
  const extension = extname(path)
  const base = path.slice(0, path.length - extension.length)
  const time = new Date().toISOString().replaceAll(':', '-')
  for (let number = 0; ; number += 1) {
    const name = `${base}-${time}${number === 0 ? '' : `-${number}`}${extension}`
    try {
      closeSync(openSync(name, 'wx'))
      return name
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

const TIME = /^-(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)(?:-(\d+))?$/

/** Lists the rotated files of a path, oldest first. */
function rotatedFiles(path: string): string[] {
  const extension = extname(path)
  const base = basename(path, extension)
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(base) && name.endsWith(extension))
    .flatMap((name) => {
      const match = TIME.exec(name.slice(base.length, name.length - extension.length))
      return match ? [{ name, time: match[1]!, number: Number(match[2] ?? 0) }] : []
    })
    .toSorted((a, b) => (a.time === b.time ? a.number - b.number : a.time < b.time ? -1 : 1))
    .map(({ name }) => name)
}

function closeIgnoringErrors(fd: number): void {
  try {
    closeSync(fd)
  } catch {
    // The operating system has freed the descriptor.
  }
}
