import { closeSync, fstatSync, read } from 'node:fs'
import { promisify } from 'node:util'
import type { Checkpoint, Log } from './checkpoints.ts'
import type { FileReader } from './encoding.ts'
import { bytesAt, FINGERPRINT_BYTES, fingerprintAt } from './fingerprint.ts'
import { idOf } from './rotation.ts'

const readAsync = promisify(read)
/** Time for which a file is kept after it lost its name, because its writer may still have it open. */
const ROTATED_MILLIS = 5000
/** Longest search for the beginning of the last line. */
const LINE_SEARCH_BYTES = 64 * 1024
const LINE_FEED = 0x0a

/** Result of a look at a file. */
export type ReadResult = 'read' | 'unchanged' | 'truncated'

/** Position in a file, at a moment at which all records before were emitted. */
export interface Position {
  readonly file: TailedFile
  readonly generation: number
  readonly offset: number
}

/** Open file that is read as it grows. */
export class TailedFile {
  readonly id: string
  readonly log: Log
  /** Time of the last change while the file had its name. A file that comes after it in the rotation is younger. */
  modifiedMillis: number
  /** True when the file has been read to its end and closed. */
  isDone = false
  readonly fd: number
  private readonly createReader: () => FileReader
  private reader: FileReader
  /** Offset up to which all records are acknowledged. */
  private committed: number
  /** Offset of the next byte to read. */
  private offset: number
  /** Offset at which the reader began. */
  private base: number
  /** Bytes before `offset`, by which a file that was truncated and has grown again is noticed. */
  private tail: Buffer
  /** Counts truncations, so that an acknowledgment of older content moves no checkpoint. */
  private generation = 0
  /** Size at the last read or look. */
  size: number
  /** Time of the last change, at the last read. */
  private modified = 0
  private marked: number
  private retireAt: number | undefined
  /** True when the file has lost the name of its log. */
  private isRotated = false
  private checkpoint: Checkpoint | undefined

  /**
   * @param start offset at which reading starts
   * @throws Error of the file system
   */
  constructor(log: Log, fd: number, start: number, createReader: () => FileReader) {
    this.log = log
    this.fd = fd
    this.createReader = createReader
    const stat = fstatSync(fd, { bigint: true })
    this.id = idOf(stat)
    this.size = Number(stat.size)
    this.modifiedMillis = Number(stat.mtimeMs)
    this.offset = start
    this.base = start
    this.committed = start
    this.marked = start
    this.tail = this.tailAt(start)
    this.reader = createReader()
  }

  /** Offset of the first byte that belongs to no emitted record. */
  get position(): number {
    return this.base + this.reader.position
  }

  /** Number of lines that were longer than the limit. */
  get cutLines(): number {
    return this.reader.cutLines
  }

  /** True while the file has a name among the followed files. */
  get hasName(): boolean {
    return this.retireAt === undefined
  }

  /** Returns the number of bytes that were seen in the file, were not read, and are not among the first `size` bytes, which a copy has. */
  unreadBeyond(size: number): number {
    return Math.max(0, this.size - Math.max(this.offset, size))
  }

  /** Notes the path under which the file is among the followed files; `undefined` when it is no longer among them. */
  named(path: string | undefined): void {
    this.isRotated = path !== this.log.path
    if (path === undefined) {
      this.retireAt ??= performance.now() + ROTATED_MILLIS
      return
    }
    this.retireAt = undefined
    const { size, mtimeMs } = fstatSync(this.fd)
    // Size and time of replaced content would hide what was lost, and the copies that are older than that content.
    if (mtimeMs === this.modifiedMillis || !this.isCopiedIn(this.fd)) return
    this.size = Math.max(this.size, size)
    this.modifiedMillis = mtimeMs
  }

  /** Reads the next bytes into the buffer and gives them to the reader. `write` waits for room. */
  async readNext(
    buffer: Buffer,
    write: (reader: FileReader, bytes: Buffer) => Promise<void> | void,
  ): Promise<ReadResult> {
    if (this.isDone) return 'unchanged'
    const { size, mtimeMs } = fstatSync(this.fd)
    if (size < this.offset) return 'truncated'
    if (size === this.offset && mtimeMs === this.modified) {
      this.retireWhenOld()
      return 'unchanged'
    }
    const { tail } = this
    const start = this.offset - tail.length
    const { bytesRead } = await readAsync(this.fd, buffer, 0, buffer.length, start)
    if (bytesRead < tail.length || !buffer.subarray(0, tail.length).equals(tail)) return 'truncated'
    this.modified = mtimeMs
    this.size = size
    if (bytesRead === tail.length) return 'unchanged'
    const bytes = buffer.subarray(tail.length, bytesRead)
    this.offset += bytes.length
    this.tail = Buffer.from(buffer.subarray(Math.max(0, bytesRead - FINGERPRINT_BYTES), bytesRead))
    if (this.retireAt !== undefined) this.retireAt = performance.now() + ROTATED_MILLIS
    await write(this.reader, bytes)
    return 'read'
  }

  /**
   * Starts at the beginning again, because the content was replaced.
   *
   * @param endsLine true when the last, incomplete line becomes a record, because its end is lost
   */
  restart(endsLine: boolean): void {
    if (endsLine) this.reader.end()
    this.generation += 1
    this.reader = this.createReader()
    this.offset = 0
    this.size = 0
    this.base = 0
    this.committed = 0
    this.marked = 0
    this.modified = 0
    this.tail = Buffer.alloc(0)
    this.checkpoint = undefined
  }

  /** Takes over the acknowledged offset of the file of which this file is a copy. */
  continueFrom(file: TailedFile): void {
    this.committed = Math.min(file.committed, this.position)
    this.marked = this.committed
  }

  /** Returns the position, when it has changed since the last call. */
  takePosition(): Position | undefined {
    const offset = this.position
    if (offset === this.marked) return undefined
    this.marked = offset
    return { file: this, generation: this.generation, offset }
  }

  /** Notes that all records before a position are acknowledged. */
  commit({ generation, offset }: Position): void {
    if (generation !== this.generation || offset <= this.committed) return
    this.committed = offset
  }

  /** Returns the checkpoint at the committed offset; the one before when the content was replaced since the last read. */
  toCheckpoint(): Checkpoint {
    const isDone = this.isDone || (this.isRotated && this.committed >= this.size)
    if (this.checkpoint?.offset === this.committed && this.checkpoint.isDone === isDone)
      return this.checkpoint
    const fingerprint = fingerprintAt(this.fd, this.committed)
    // The fingerprint of newer content would hide that content from the next run. The fingerprint of no content hides nothing.
    if (this.checkpoint && this.committed > 0 && !this.isCopiedIn(this.fd)) return this.checkpoint
    this.checkpoint = {
      ...this.log,
      id: this.id,
      offset: this.committed,
      modified: this.modifiedMillis,
      isDone,
      ...fingerprint,
    }
    return this.checkpoint
  }

  /** Tests if an open file has the content of this file before its truncation. */
  isCopiedIn(fd: number): boolean {
    const { tail } = this
    return tail.length > 0 && bytesAt(fd, this.offset - tail.length, tail.length).equals(tail)
  }

  /** Ends texts that wait for continuation lines. */
  flush(): void {
    this.reader.flush()
  }

  close(): void {
    if (this.isDone) return
    this.isDone = true
    this.toCheckpoint()
    closeSync(this.fd)
  }

  private retireWhenOld(): void {
    if (this.retireAt === undefined || performance.now() < this.retireAt) return
    this.reader.end()
    if (this.position > this.committed) return
    this.close()
  }

  private tailAt(offset: number): Buffer {
    const bytes = Math.min(FINGERPRINT_BYTES, offset)
    return Buffer.from(bytesAt(this.fd, offset - bytes, bytes))
  }
}

/** Returns the offset of the first byte of the line that ends at, or stretches over, the end of a file. */
export function startOfLastLine(fd: number, size: number): number {
  const from = Math.max(0, size - LINE_SEARCH_BYTES)
  const at = bytesAt(fd, from, size - from).lastIndexOf(LINE_FEED)
  if (at >= 0) return from + at + 1
  return from === 0 ? 0 : size
}
