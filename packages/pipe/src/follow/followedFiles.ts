import { closeSync, fstatSync, openSync } from 'node:fs'
import { glob } from 'tinyglobby'
import type { Checkpoint, Log } from './checkpoints.ts'
import { type FileReader, utf16Of } from './encoding.ts'
import { bytesAt, FINGERPRINT_BYTES, hasFingerprint } from './fingerprint.ts'
import { logsOf, PastCheckpoints } from './pastCheckpoints.ts'
import { fileAt, idOf, isCompressed, isFileOf, logAt, pathsOf, rotationsOf, statOf } from './rotation.ts'
import { startOfLastLine, TailedFile } from './tailedFile.ts'

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
  /** Logs of files that were renamed before they could be opened, or could not be opened, by the id of the file. Each is sought again in the next look. */
  private readonly missed = new Map<string, Log>()
  private readonly past: PastCheckpoints
  /** Sizes of files that could not be opened at the first start, by their id. */
  private readonly sizesAtStart = new Map<string, number>()
  private readonly options: FollowOptions
  private isFirstStart: boolean
  private hasLooked = false

  constructor(options: FollowOptions, previous: readonly Checkpoint[] | undefined) {
    this.options = options
    this.isFirstStart = previous === undefined
    this.past = new PastCheckpoints(previous ?? [])
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
    const found = new Map<string, string>()
    for (const path of await this.matchingPaths()) {
      const file = fileAt(path)
      if (file && !found.has(file.id)) found.set(file.id, path)
    }
    if (!this.hasLooked) this.resumePast(found)
    for (const file of this.open.values()) {
      if (file.isDone) {
        this.forget(file)
        continue
      }
      const path = found.get(file.id)
      // Look for files that came and went between two looks as soon as a file loses its name.
      if (path === undefined && file.hasName) this.openMissed(file.log, file.modifiedMillis)
      file.named(path)
    }
    const missed = new Map(this.missed)
    this.missed.clear()
    for (const [id, log] of missed) if (!this.open.has(id)) this.openRenamed(log, id)
    for (const [id, path] of found) if (!this.open.has(id)) this.openNext(path, id)
    this.hasLooked = true
    this.isFirstStart = false
  }

  /** Starts a truncated file at its beginning. The bytes that were not read yet are read from the copy, when there is one. */
  onTruncated(file: TailedFile): void {
    const { position, log } = file
    const opened = this.openCopy(log, position, (fd) => file.isCopiedIn(fd))
    opened?.continueFrom(file)
    const copy = opened ?? this.openFilesOf(log).find((other) => other !== file && file.isCopiedIn(other.fd))
    this.openMissed(log, file.modifiedMillis)
    const lost = file.unreadBeyond(copy?.size ?? 0)
    const atLeast = lost > 0 ? `, at least ${lost} bytes,` : ''
    if (!copy)
      this.options.say(
        `truncated ${log.path} ${position}`,
        `${log.path} was truncated or replaced at byte ${position}; it is read from its beginning. ` +
          `Lines that were written after that byte and before the truncation${atLeast} are lost`,
      )
    else if (lost > 0)
      this.options.say(
        `truncated ${log.path} ${position}`,
        `${log.path} was truncated after it was copied; lines that were written between copy and truncation${atLeast} are lost`,
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
    const rotated = [...this.past.values()].filter(({ id }) => !found.has(id))
    const paths = pathsOf(rotated)
    for (const checkpoint of rotated) {
      const path = paths.get(checkpoint)
      const file = path === undefined ? undefined : this.openPast(path, checkpoint)
      if (file) this.lastAt.set(checkpoint.path, file)
      else if (!checkpoint.isDone && !this.openCopyOf(checkpoint)) this.onGone(checkpoint)
    }
    for (const log of logsOf(rotated)) this.openMissed(log, log.modified)
  }

  /** Opens a file of the run before that has lost its name, at its checkpoint, unless its inode has the content of another file. */
  private openPast(path: string, checkpoint: Checkpoint): TailedFile | undefined {
    const { id, offset, modified } = checkpoint
    // The checkpoint knows no content, so that the name must be that of a rotation.
    if (offset === 0 && !isFileOf(path, checkpoint)) return undefined
    const file = this.openFile(path, id, checkpoint, (fd) =>
      hasFingerprint(fd, offset, checkpoint) ? offset : undefined,
    )
    if (file) file.modifiedMillis = Math.min(file.modifiedMillis, modified)
    return file
  }

  private onGone(checkpoint: Checkpoint): void {
    const { id, path, offset } = checkpoint
    this.past.set({ ...checkpoint, isDone: true })
    this.options.say(
      `gone ${path} ${id}`,
      `a file of ${path} was removed since the last run; lines that were written to it after byte ${offset} are lost`,
    )
  }

  /**
   * Opens rotated files that are younger than a file which lost its name: the log was rotated several times between two looks.
   *
   * @param modified time of the last change of that file
   */
  private openMissed(log: Log, modified: number): void {
    for (const { path, id, modifiedMillis } of rotationsOf(log)) {
      if (modifiedMillis < Math.floor(modified) || this.open.has(id)) continue
      const checkpoint = this.past.get(id)
      let isRead = false
      const file = this.openFile(path, id, log, (fd, size) => {
        // The inode of a removed file may have another content.
        if (!checkpoint || !hasFingerprint(fd, checkpoint.offset, checkpoint))
          return this.offsetOfCopied(path, fd) ?? 0
        isRead = checkpoint.offset === size
        return isRead ? undefined : checkpoint.offset
      })
      if (!file && !isRead) this.missed.set(id, log)
    }
  }

  /** Opens the file that has come to a path, and the files that had the path between two looks. */
  private openNext(path: string, id: string): void {
    const log = logAt(path)
    const last = this.lastAt.get(path)
    if (last) this.openMissed(log, last.modifiedMillis)
    if (this.open.has(id)) return
    // The file may have been rotated since the look.
    const file = this.openFound(log, path, id) ?? this.openRenamed(log, id)
    if (file) this.lastAt.set(path, file)
    else this.missed.set(id, log)
  }

  /** Opens a file that was renamed since it was found. */
  private openRenamed(log: Log, id: string): TailedFile | undefined {
    const rotated = rotationsOf(log).find((file) => file.id === id)
    if (!rotated) return undefined
    const file = this.openFound(log, rotated.path, id)
    if (!file) this.missed.set(id, log)
    return file
  }

  private openFound(log: Log, path: string, id: string): TailedFile | undefined {
    const checkpoint = this.past.get(id)
    if (checkpoint) return this.openAgain(path, checkpoint, log)
    return this.openFile(path, id, log, (fd, size) => {
      const copied = this.offsetOfCopied(path, fd)
      if (copied !== undefined) return copied
      const isOld = this.isFirstStart || this.sizesAtStart.has(id)
      if (!isOld || this.options.fromStart) return 0
      return startOfLastLine(fd, this.sizesAtStart.get(id) ?? size)
    })
  }

  /** Opens a found file at its checkpoint; at its beginning when the content is another one. */
  private openAgain(path: string, checkpoint: Checkpoint, log: Log): TailedFile | undefined {
    const { id, offset, isDone } = checkpoint
    let isReplaced = false
    const file = this.openFile(path, id, checkpoint, (fd) => {
      isReplaced = !hasFingerprint(fd, offset, checkpoint)
      return isReplaced ? undefined : offset
    })
    // A file of which nothing was acknowledged may have been copied and truncated, which its content cannot show.
    if (offset === 0 && !isDone) this.openMissed(checkpoint, checkpoint.modified)
    if (!isReplaced) return file
    // The inode of a file that was read to its end and removed is often used again.
    if (!isDone) {
      const copy = this.openCopyOf(checkpoint)
      this.openMissed(checkpoint, checkpoint.modified)
      this.options.say(
        `replaced ${path}`,
        `${path} was truncated or replaced since the last run; it is read from its beginning` +
          (copy ? `, and a rotated copy from byte ${offset}` : ''),
      )
    }
    return this.openFile(path, id, log, () => 0)
  }

  /** Opens a copy of a file whose content is gone, at the offset of the checkpoint. */
  private openCopyOf(checkpoint: Checkpoint): TailedFile | undefined {
    // A shorter fingerprint may be that of a file with an equal beginning.
    if (checkpoint.tail.bytes < FINGERPRINT_BYTES) return undefined
    return this.openCopy(checkpoint, checkpoint.offset, (fd) =>
      hasFingerprint(fd, checkpoint.offset, checkpoint),
    )
  }

  /** Opens the youngest rotated file of a log that passes a test, at an offset. */
  private openCopy(log: Log, offset: number, test: (fd: number) => boolean): TailedFile | undefined {
    for (const { path, id } of rotationsOf(log).toReversed()) {
      if (this.open.has(id)) continue
      const opened = this.openFile(path, id, log, (fd) =>
        !this.past.isRead(id, fd) && test(fd) ? offset : undefined,
      )
      if (opened) return opened
    }
    return undefined
  }

  /** Lists the open files of a log. A copy is among them when a look has found the copy before the truncation. */
  private openFilesOf({ realPath }: Log): TailedFile[] {
    return [...this.open.values()].filter((file) => !file.isDone && file.log.realPath === realPath)
  }

  /** @param startOf returns the offset at which reading starts; `undefined` to leave the file alone */
  private openFile(
    path: string,
    id: string,
    { path: logPath, realPath }: Log,
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
      const log = { path: logPath, realPath }
      const file = new TailedFile(log, fd, start, () => this.options.createReader(logPath))
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
    this.past.set(file.toCheckpoint())
  }

  /** Returns the offset at which a new file continues the content of another file, of which it is a copy. */
  private offsetOfCopied(path: string, fd: number): number | undefined {
    for (const checkpoint of this.checkpoints()) {
      // A shorter fingerprint may be that of a file with an equal beginning.
      if (checkpoint.tail.bytes < FINGERPRINT_BYTES || !isFileOf(path, checkpoint)) continue
      if (hasFingerprint(fd, checkpoint.offset, checkpoint)) return checkpoint.offset
    }
    return undefined
  }
}
