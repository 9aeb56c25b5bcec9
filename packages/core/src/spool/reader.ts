import { rearm, warnOnce } from '@logbridge/bridge/internal'
import type { DiskQuota } from './diskQuota.ts'
import type { DiskTimeout } from './diskTimeout.ts'
import { type FileHandle, type Fs, isBadBlock, isMissing, READ, readInto } from './files.ts'
import { decodeRequestEntry, ENTRY_HEADER_BYTES } from './format.ts'
import type { EntryLocation } from './segment.ts'
import type { JoinRequests, SpoolRead } from './types.ts'

/** Largest buffer that is reused: a request of 512 KiB with acknowledged entries in between. */
const MAX_REUSED_BYTES = 1024 * 1024
const REUSED_STEP_BYTES = 128 * 1024

interface Result {
  readonly request?: Uint8Array
  readonly read: readonly SpoolRead[]
}

/** Request of an entry, or the reason for its absence. */
type EntryResult = Buffer | Exclude<SpoolRead, 'read'>

/** Reads entries back, one read at a time, because an unresponsive disk occupies a thread of libuv for each. */
export class Reader {
  private readonly fs: Fs
  private readonly spoolDirectory: string
  private readonly diskTimeout: DiskTimeout
  private readonly quota: DiskQuota
  private last: Promise<unknown> = Promise.resolve()
  /** Buffer of all reads, because the garbage collector would return a new buffer for each read late. */
  private reused: Buffer = Buffer.alloc(0)

  constructor(fs: Fs, spoolDirectory: string, diskTimeout: DiskTimeout, quota: DiskQuota) {
    this.fs = fs
    this.spoolDirectory = spoolDirectory
    this.diskTimeout = diskTimeout
    this.quota = quota
  }

  /** Reads entries, adjacent ones of a segment in one read, and joins their requests. Resolves within seconds. */
  read(entries: readonly EntryLocation[], join: JoinRequests): Promise<Result> {
    return new Promise((resolve) => {
      let isLate = false
      const work = this.last.then(() => (isLate ? { read: [] } : this.readAll(entries, join)))
      const watched = this.diskTimeout.watch(work, () => {
        isLate = true
        this.warn(new Error('the disk does not respond'))
        resolve({ read: this.defer(entries, false) })
      })
      // Ignore a late result, because its entries wait again already.
      this.last = watched.then(
        (result) => !isLate && resolve(result),
        (error: unknown) => {
          this.warn(error)
          if (!isLate) resolve({ read: this.defer(entries, false) })
        },
      )
    })
  }

  private async readAll(entries: readonly EntryLocation[], join: JoinRequests): Promise<Result> {
    const runs = runsOf(entries)
    const memory = this.allocate(runs.reduce((bytes, run) => bytes + byteLengthOf(run), 0))
    const results: EntryResult[] = []
    let at = 0
    for (const run of runs) {
      const end = at + byteLengthOf(run)
      results.push(...(await this.readRun(run, memory.subarray(at, end))))
      at = end
    }
    const requests = results.filter((result) => typeof result !== 'string')
    const read = results.map((result) => (typeof result === 'string' ? result : 'read'))
    return requests.length === 0 ? { read } : { request: join(requests), read }
  }

  private allocate(bytes: number): Buffer {
    if (bytes > MAX_REUSED_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (bytes > this.reused.length) {
      this.reused = Buffer.allocUnsafeSlow(Math.ceil(bytes / REUSED_STEP_BYTES) * REUSED_STEP_BYTES)
    }
    return this.reused
  }

  private async readRun(run: readonly EntryLocation[], memory: Buffer): Promise<EntryResult[]> {
    const { segment } = run[0]!
    let file: FileHandle | undefined
    try {
      if (!(await this.quota.owns(segment.directory))) return run.map(() => 'recovered')
      file = await this.fs.promises.open(segment.path, READ)
      const results = await this.readRange(file, run, memory)
      if (!results.includes('corrupt')) rearm('spool-read')
      return results
    } catch (error) {
      this.warn(error)
      if (isMissing(error)) return run.map(() => 'corrupt')
      if (file === undefined || !isBadBlock(error)) return this.defer(run, true)
      return await this.readEach(file, run, memory)
    } finally {
      await file?.close().catch(() => {})
    }
  }

  private async readRange(
    file: FileHandle,
    run: readonly EntryLocation[],
    memory: Buffer,
  ): Promise<EntryResult[]> {
    const { offset: start, segment } = run[0]!
    const bytes = await readInto(file, start, memory)
    const results = run.map(
      ({ offset }) => decodeRequestEntry(bytes, offset - start, segment.syncMarker) ?? 'corrupt',
    )
    if (results.includes('corrupt')) this.warn(`a request in ${segment.path} is corrupt`)
    segment.onRead()
    return results
  }

  /** Reads entries one by one after a bad block, because other entries of the run may be readable. */
  private async readEach(
    file: FileHandle,
    run: readonly EntryLocation[],
    memory: Buffer,
  ): Promise<EntryResult[]> {
    const results: EntryResult[] = []
    for (const entry of run) {
      const at = entry.offset - run[0]!.offset
      try {
        const range = memory.subarray(at, at + ENTRY_HEADER_BYTES + entry.bytes)
        results.push(...(await this.readRange(file, [entry], range)))
      } catch {
        results.push(...this.defer([entry], false))
      }
    }
    return results
  }

  private defer(entries: readonly EntryLocation[], all: boolean): ('deferred' | 'unreadable')[] {
    return entries.map((entry) => (entry.segment.defer([entry], all) ? 'deferred' : 'unreadable'))
  }

  private warn(error: unknown): void {
    warnOnce('spool-read', `reading from the spool ${this.spoolDirectory} failed`, error)
  }
}

/** Divides entries into runs of neighbors in one segment. */
function runsOf(entries: readonly EntryLocation[]): EntryLocation[][] {
  const runs: EntryLocation[][] = []
  for (const entry of entries) {
    const run = runs.at(-1)
    if (run?.[0]!.segment === entry.segment) run.push(entry)
    else runs.push([entry])
  }
  return runs
}

/** Computes the bytes from the first entry of a run to the end of its last entry. */
function byteLengthOf(run: readonly EntryLocation[]): number {
  const last = run.at(-1)!
  return last.offset + ENTRY_HEADER_BYTES + last.bytes - run[0]!.offset
}
