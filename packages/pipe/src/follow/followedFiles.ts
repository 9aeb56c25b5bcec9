import { closeSync, fstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { glob } from 'tinyglobby'
import type { Checkpoint } from './checkpoints.ts'
import { type FileReader, utf16Of } from './encoding.ts'
import { bytesAt, FINGERPRINT_BYTES, hasFingerprint } from './fingerprint.ts'
import { filesBeside, isCompressed, isRotationOf, rotationsOf } from './rotation.ts'
import { idOf, startOfLastLine, TailedFile } from './tailedFile.ts'

/** Number of checkpoints that are kept of files that are read to their end, or not there. */
const MAX_PAST_CHECKPOINTS = 1000

/** Settings of `FollowedFiles`. */
export interface FollowOptions {
  /** Absolute paths or globs. */
  readonly patterns: readonly string[]
  /** True to read files from their beginning that are there at the first start. */
  readonly fromStart: boolean
  /** Label of the encoding; `undefined` for UTF-8. */
  readonly encoding: string | undefined
  readonly createReader: (path: string) => FileReader
  /** Prints a message to the operator. A message with the same key is printed once. */
  readonly say: (key: string, message: string) => void
}

/** Finds files, also those that were rotated, and decides where reading starts in each. */
export class FollowedFiles {
  /** Open files, those that lost their names first. */
  private readonly open = new Map<string, TailedFile>()
  /** Last file that was found under a path. */
  private readonly lastAt = new Map<string, TailedFile>()
  /** Paths of files that were renamed before they could be opened, by their id. Each is sought again in the next look. */
  private readonly renamed = new Map<string, string>()
  /** Checkpoints of files that are not open, by their id. */
  private readonly past = new Map<string, Checkpoint>()
  /** Sizes of files that could not be opened at the first start, by their id. */
  private readonly sizesAtStart = new Map<string, number>()
  private readonly options: FollowOptions
  private isFirstStart: boolean
  private hasLooked = false

  constructor(options: FollowOptions, previous: readonly Checkpoint[] | undefined) {
    this.options = options
    this.isFirstStart = previous === undefined
    for (const checkpoint of previous ?? []) this.past.set(checkpoint.id, checkpoint)
  }

  /** Open files, oldest first. */
  get files(): Iterable<TailedFile> {
    return this.open.values()
  }

  get size(): number {
    return this.open.size
  }

  /** Checkpoints of all files, those of the past first. */
  checkpoints(): Checkpoint[] {
    return [...this.past.values(), ...Array.from(this.open.values(), (file) => file.toCheckpoint())]
  }

  /** Looks for new files, rotated files, and files that lost their names. */
  async look(): Promise<void> {
    const paths = await this.matchingPaths()
    const found = new Map<string, string>()
    for (const path of paths) {
      const stat = statOf(path)
      if (stat?.isFile() && !found.has(idOf(stat))) found.set(idOf(stat), path)
    }
    if (!this.hasLooked) this.resumePast(found)
    for (const file of this.open.values()) {
      const isNamed = found.has(file.id)
      // Look for files that came and went between two looks as soon as a file loses its name.
      if (!isNamed && file.hasName) this.openMissedRotations(file.realPath, file.modifiedMillis)
      file.named(isNamed)
      if (file.isDone) this.forget(file)
    }
    const renamed = new Map(this.renamed)
    this.renamed.clear()
    for (const [id, path] of [...renamed, ...found]) if (!this.open.has(id)) this.openNext(path, id)
    for (const [id, path] of found) if (!this.open.has(id)) this.renamed.set(id, path)
    this.hasLooked = true
    this.isFirstStart = false
  }

  /** Starts a truncated file at its beginning. What was not read yet is read from the copy, when there is one. */
  onTruncated(file: TailedFile): void {
    const { position } = file
    const copy = this.openRotation(file.realPath, position, (fd) => file.isCopiedIn(fd))
    if (copy) copy.committed = Math.min(file.committed, position)
    else
      this.options.say(
        `truncated ${file.path} ${position}`,
        `${file.path} was truncated or replaced at byte ${position}; it is read from its beginning. ` +
          'Lines that were written after that byte and before the truncation are lost',
      )
    file.restart(copy === undefined)
  }

  private async matchingPaths(): Promise<string[]> {
    const paths: string[] = []
    for (const pattern of this.options.patterns) {
      // A path that exists is meant as it stands, also with characters that mean something in a glob.
      if (statOf(pattern)) paths.push(pattern)
      else
        paths.push(
          ...(await glob(pattern, { absolute: true, dot: true, expandDirectories: false }).catch(() => [])),
        )
    }
    return paths.filter((path) => !isCompressed(path))
  }

  /** Opens files that were read in the run before and have been rotated since, and rotated files that came after them. */
  private resumePast(found: ReadonlyMap<string, string>): void {
    const folders = new Map<string, ReadonlyMap<string, string>>()
    const rotated = [...this.past.values()].filter(({ id }) => !found.has(id))
    for (const checkpoint of rotated) {
      const folder = dirname(checkpoint.path)
      const beside = folders.get(folder) ?? pathsById(filesBeside(checkpoint.path))
      folders.set(folder, beside)
      const path = beside.get(checkpoint.id)
      if (path !== undefined) this.openAt(path, checkpoint)
      else this.openCopyOf(checkpoint)
    }
    for (const { path, id, modified } of rotated) {
      this.openMissedRotations(path, modified)
      const file = this.open.get(id)
      if (file) this.lastAt.set(path, file)
    }
  }

  /**
   * Opens rotated files that are younger than a file which lost its name: the log was rotated several times between two looks.
   *
   * @param modified time of the last change of that file
   */
  private openMissedRotations(path: string, modified: number): void {
    const missed = rotationsOf(path)
      .flatMap((other) => {
        const stat = statOf(other)
        return stat?.isFile() ? [{ other, id: idOf(stat), changed: Number(stat.mtimeMs) }] : []
      })
      .filter(({ id, changed }) => changed >= Math.floor(modified) && !this.isKnown(id))
      .toSorted((a, b) => a.changed - b.changed)
    for (const { other, id } of missed) this.openFile(other, id, () => 0)
  }

  private isKnown(id: string): boolean {
    return this.open.has(id) || this.past.has(id)
  }

  /** Opens the file that has come to a path, and the files that had the path between two looks. */
  private openNext(path: string, id: string): void {
    const last = this.lastAt.get(path)
    const realPath = realPathOf(path)
    if (last) this.openMissedRotations(realPath, last.modifiedMillis)
    this.openFound(path, id)
    // The file was rotated after the look.
    if (!this.open.has(id))
      for (const other of rotationsOf(realPath)) {
        const stat = statOf(other)
        if (stat?.isFile() && idOf(stat) === id) this.openFound(other, id)
      }
    const file = this.open.get(id)
    if (file) this.lastAt.set(path, file)
  }

  private openFound(path: string, id: string): void {
    const checkpoint = this.past.get(id)
    if (checkpoint) return this.openAt(path, checkpoint)
    this.openFile(path, id, (fd, size) => {
      const copied = this.offsetOfCopied(path, fd)
      if (copied !== undefined) return copied
      const isOld = this.isFirstStart || this.sizesAtStart.has(id)
      if (!isOld || this.options.fromStart) return 0
      return startOfLastLine(fd, this.sizesAtStart.get(id) ?? size)
    })
  }

  /** Opens a file at its checkpoint; at its beginning when the content is another one. */
  private openAt(path: string, checkpoint: Checkpoint): void {
    const { id, offset } = checkpoint
    this.openFile(path, id, (fd) => {
      if (hasFingerprint(fd, offset, checkpoint)) return offset
      const copy = this.openCopyOf(checkpoint)
      this.options.say(
        `replaced ${path}`,
        `${path} was truncated or replaced since the last run; it is read from its beginning` +
          (copy ? `, and ${copy.realPath} from byte ${offset}` : ''),
      )
      return 0
    })
  }

  /** Opens a copy of a file whose content is gone, at the offset of the checkpoint. */
  private openCopyOf(checkpoint: Checkpoint): TailedFile | undefined {
    // A shorter fingerprint may be that of a file with an equal beginning.
    if (checkpoint.tail.bytes < FINGERPRINT_BYTES) return undefined
    return this.openRotation(checkpoint.path, checkpoint.offset, (fd) =>
      hasFingerprint(fd, checkpoint.offset, checkpoint),
    )
  }

  /** Opens the first rotated file beside a file that passes a test, at an offset. */
  private openRotation(path: string, offset: number, test: (fd: number) => boolean): TailedFile | undefined {
    for (const other of rotationsOf(path)) {
      const stat = statOf(other)
      if (!stat?.isFile() || this.isKnown(idOf(stat))) continue
      const opened = this.openFile(other, idOf(stat), (fd) => (test(fd) ? offset : undefined))
      if (opened) return opened
    }
    return undefined
  }

  /** @param startOf returns the offset at which reading starts; `undefined` to leave the file alone */
  private openFile(
    path: string,
    id: string,
    startOf: (fd: number, size: number) => number | undefined,
  ): TailedFile | undefined {
    const { encoding, say } = this.options
    let fd: number | undefined
    try {
      fd = openSync(path, 'r')
      const stat = fstatSync(fd, { bigint: true })
      // The file was rotated between the look and the call.
      if (idOf(stat) !== id) {
        closeSync(fd)
        return undefined
      }
      const utf16 = encoding === undefined && utf16Of(bytesAt(fd, 0, FINGERPRINT_BYTES))
      if (utf16) {
        say(
          `encoding ${path}`,
          `${path} is ${utf16.toUpperCase()}, not UTF-8, and is not read. Give --encoding ${utf16}`,
        )
        closeSync(fd)
        return undefined
      }
      const start = startOf(fd, Number(stat.size))
      if (start === undefined) {
        closeSync(fd)
        return undefined
      }
      const file = new TailedFile(path, fd, start, () => this.options.createReader(path))
      this.past.delete(id)
      this.open.set(id, file)
      return file
    } catch (error) {
      if (fd !== undefined) closeSync(fd)
      this.onOpenFailed(path, id, error as NodeJS.ErrnoException)
      return undefined
    }
  }

  private onOpenFailed(path: string, id: string, { code, message }: NodeJS.ErrnoException): void {
    if (code === 'ENOENT') return
    const size = statOf(path)?.size
    if (this.isFirstStart && size !== undefined) this.sizesAtStart.set(id, Number(size))
    this.options.say(
      `open ${path} ${code}`,
      `${path} cannot be read, and is tried again each second: ${message}`,
    )
  }

  /** Moves a file that is read to its end to the past. */
  private forget(file: TailedFile): void {
    this.open.delete(file.id)
    this.past.set(file.id, file.toCheckpoint())
    for (const id of this.past.keys()) {
      if (this.past.size <= MAX_PAST_CHECKPOINTS) break
      this.past.delete(id)
    }
  }

  /** Returns the offset at which a new file continues the content of another file, of which it is a copy. */
  private offsetOfCopied(path: string, fd: number): number | undefined {
    for (const checkpoint of this.checkpoints()) {
      // A shorter fingerprint may be that of a file with an equal beginning.
      if (checkpoint.tail.bytes < FINGERPRINT_BYTES || !isBesideRotation(path, checkpoint.path)) continue
      if (hasFingerprint(fd, checkpoint.offset, checkpoint)) return checkpoint.offset
    }
    return undefined
  }
}

function isBesideRotation(path: string, original: string): boolean {
  const folder = (of: string): string => of.slice(0, of.lastIndexOf('/') + 1)
  const name = (of: string): string => of.slice(of.lastIndexOf('/') + 1)
  return folder(path) === folder(original) && isRotationOf(name(path), name(original))
}

function pathsById(paths: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    paths.flatMap((path) => {
      const stat = statOf(path)
      return stat?.isFile() ? [[idOf(stat), path] as const] : []
    }),
  )
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // The file was renamed since, or may not be read.
    return path
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A folder of the path may not be entered.
    return undefined
  }
}
