import { warnOnce, rearm } from '@logbridge/bridge/internal'
import { type FileHandle, type Fs, isMissing, isOfPlace, READ, readInto } from './files.ts'
import { decodeRequestEntry, ENTRY_BYTES } from './format.ts'
import type { DiskTimeout } from './diskTimeout.ts'
import type { DiskQuota } from './diskQuota.ts'
import type { Entry } from './segment.ts'
import type { JoinRequests, SpoolRead } from './types.ts'

/** Memory that is kept to read into: a request and what lies between its entries. */
const KEPT_BYTES = 1024 * 1024
const KEPT_STEP_BYTES = 128 * 1024

interface Result {
  readonly request?: Uint8Array
  readonly read: readonly SpoolRead[]
}

/** What an entry holds, or why that is not known. */
type Found = Buffer | Exclude<SpoolRead, 'read'>

/** Reads entries back. One read is under way at a time: a disk that does not answer holds one thread of the process. */
export class Reader {
  private readonly fs: Fs
  private readonly directory: string
  private readonly patience: DiskTimeout
  private readonly room: DiskQuota
  private last: Promise<unknown> = Promise.resolve()
  /** Is read into again and again, because new memory for each read would be given back much later. */
  private kept: Buffer = Buffer.alloc(0)

  constructor(fs: Fs, directory: string, patience: DiskTimeout, room: DiskQuota) {
    this.room = room
    this.fs = fs
    this.directory = directory
    this.patience = patience
  }

  /** Reads entries, adjacent ones of a segment in one read, and joins their requests. Resolves within seconds. */
  read(entries: readonly Entry[], join: JoinRequests): Promise<Result> {
    return new Promise((resolve) => {
      let isLate = false
      const work = this.last.then(() => (isLate ? { read: [] } : this.readAll(entries, join)))
      const watched = this.patience.watch(work, () => {
        isLate = true
        this.complain(new Error('the disk does not answer'))
        resolve({ read: this.setAside(entries, false) })
      })
      // Those that were read too late wait again already.
      this.last = watched.then(
        (result) => !isLate && resolve(result),
        (error: unknown) => {
          this.complain(error)
          if (!isLate) resolve({ read: this.setAside(entries, false) })
        },
      )
    })
  }

  private async readAll(entries: readonly Entry[], join: JoinRequests): Promise<Result> {
    const runs = runsOf(entries)
    const memory = this.memoryOf(runs.reduce((bytes, run) => bytes + lengthOf(run), 0))
    const found: Found[] = []
    let at = 0
    for (const run of runs) {
      const end = at + lengthOf(run)
      found.push(...(await this.readRun(run, memory.subarray(at, end))))
      at = end
    }
    const requests = found.filter((request) => typeof request !== 'string')
    const read = found.map((request) => (typeof request === 'string' ? request : 'read'))
    return requests.length === 0 ? { read } : { request: join(requests), read }
  }

  private memoryOf(bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (bytes > this.kept.length) {
      this.kept = Buffer.allocUnsafeSlow(Math.ceil(bytes / KEPT_STEP_BYTES) * KEPT_STEP_BYTES)
    }
    return this.kept
  }

  private async readRun(run: readonly Entry[], memory: Buffer): Promise<Found[]> {
    const { segment } = run[0]!
    let file: FileHandle | undefined
    try {
      if (!(await this.room.holds(segment.folder))) return run.map(() => 'taken')
      file = await this.fs.promises.open(segment.path, READ)
      const found = await this.readRange(file, run, memory)
      if (!found.includes('corrupt')) rearm('spool-read')
      return found
    } catch (error) {
      this.complain(error)
      if (isMissing(error)) return run.map(() => 'corrupt')
      if (file === undefined || !isOfPlace(error)) return this.setAside(run, true)
      return await this.readEach(file, run, memory)
    } finally {
      await file?.close().catch(() => {})
    }
  }

  private async readRange(file: FileHandle, run: readonly Entry[], memory: Buffer): Promise<Found[]> {
    const { offset: start, segment } = run[0]!
    const bytes = await readInto(file, start, memory)
    const found = run.map(
      ({ offset }) => decodeRequestEntry(bytes, offset - start, segment.syncMarker) ?? 'corrupt',
    )
    if (found.includes('corrupt')) this.complain(`a request in ${segment.path} is corrupt`)
    segment.readWell()
    return found
  }

  /** Reads entries one by one where a place on the disk is bad, because those beside it are not. */
  private async readEach(file: FileHandle, run: readonly Entry[], memory: Buffer): Promise<Found[]> {
    const found: Found[] = []
    for (const entry of run) {
      const at = entry.offset - run[0]!.offset
      try {
        const place = memory.subarray(at, at + ENTRY_BYTES + entry.bytes)
        found.push(...(await this.readRange(file, [entry], place)))
      } catch {
        found.push(...this.setAside([entry], false))
      }
    }
    return found
  }

  private setAside(entries: readonly Entry[], all: boolean): ('later' | 'unreadable')[] {
    return entries.map((entry) => (entry.segment.setAside([entry], all) ? 'later' : 'unreadable'))
  }

  private complain(error: unknown): void {
    warnOnce('spool-read', `what the spool ${this.directory} has kept cannot be read`, error)
  }
}

/** Divides entries into those of one segment that follow one another. */
function runsOf(entries: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = []
  for (const entry of entries) {
    const run = runs.at(-1)
    if (run?.[0]!.segment === entry.segment) run.push(entry)
    else runs.push([entry])
  }
  return runs
}

/** Bytes from the first of entries to the end of the last one. */
function lengthOf(run: readonly Entry[]): number {
  const last = run.at(-1)!
  return last.offset + ENTRY_BYTES + last.bytes - run[0]!.offset
}
