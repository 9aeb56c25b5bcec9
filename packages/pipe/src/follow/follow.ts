import { setTimeout as delay } from 'node:timers/promises'
import type { CheckpointFile } from './checkpoints.ts'
import type { FileReader } from './encoding.ts'
import { FollowedFiles, type FollowOptions } from './followedFiles.ts'
import { FINGERPRINT_BYTES } from './fingerprint.ts'
import type { Position, TailedFile } from './tailedFile.ts'

const POLL_MILLIS = 250
const LOOK_MILLIS = 1000
const CHECKPOINT_MILLIS = 1000
const READ_BYTES = 64 * 1024
/** Waits for acknowledgments at a time. Positions that are taken meanwhile wait for the next one. */
const MAX_WAITS = 64

/** Sends the records that the readers of the files emit. */
interface RecordSender {
  /** Gives bytes to a reader when there is room, or when the signal aborts. */
  write(reader: FileReader, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Resolves with true when each record so far has its answer or is in the spool. */
  acknowledged(): Promise<boolean>
  flush(timeoutMillis: number): Promise<void>
}

/** Reads files as they grow, until the signal aborts. */
export class Follower {
  private readonly files: FollowedFiles
  private readonly sender: RecordSender
  private readonly checkpoints: CheckpointFile
  private readonly options: FollowOptions
  private readonly signal: AbortSignal
  private readonly buffer = Buffer.alloc(READ_BYTES + FINGERPRINT_BYTES)
  private waits = 0
  private saving: Promise<void> | undefined
  private savedAt = -Infinity
  /** True when a checkpoint has moved since the last write. */
  private hasMoved = false

  constructor(
    options: FollowOptions,
    sender: RecordSender,
    checkpoints: CheckpointFile,
    signal: AbortSignal,
  ) {
    this.options = options
    this.sender = sender
    this.checkpoints = checkpoints
    this.signal = signal
    this.files = new FollowedFiles(options, checkpoints.previous)
  }

  /** Number of files that are open. */
  get size(): number {
    return this.files.size
  }

  /** Finds the files, and stores where each of them is read. */
  async start(): Promise<void> {
    await this.files.look()
    await this.save()
  }

  /** Reads until the signal aborts. */
  async run(): Promise<void> {
    await Promise.all([
      this.every(LOOK_MILLIS, () => this.files.look()),
      this.every(POLL_MILLIS, () => this.saveWhenDue()),
      this.readAll(),
    ])
  }

  /** Sends what was read, and stores how far that was. */
  async end(timeoutMillis: number): Promise<void> {
    for (const file of this.files.files) file.flush()
    const marked = this.mark()
    await this.sender.flush(timeoutMillis)
    // Without an answer of the receiver, the next run reads these lines again.
    await Promise.race([marked, delay(0)])
    await this.saving
    await this.save()
  }

  private async readAll(): Promise<void> {
    while (!this.signal.aborted) {
      let hasRead = false
      for (const file of this.files.files) {
        if (this.signal.aborted) break
        if (await this.read(file)) hasRead = true
      }
      // A retired file has ended its last line without being read.
      if (this.waits < MAX_WAITS) void this.mark()
      if (!hasRead) await this.pause(POLL_MILLIS)
    }
  }

  /** Reads the next bytes of a file. */
  private async read(file: TailedFile): Promise<boolean> {
    try {
      const result = await file.readNext(this.buffer, (reader, bytes) =>
        this.sender.write(reader, bytes, this.signal),
      )
      if (result === 'truncated') this.files.onTruncated(file)
      return result !== 'unchanged'
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // Errors of the program itself have no code.
      if (code === undefined) throw error
      this.options.say(
        `read ${file.log.path} ${code}`,
        `${file.log.path} cannot be read, and is tried again: ${message}`,
      )
      return false
    }
  }

  /** Moves the checkpoints of all files when the records so far are acknowledged. */
  private async mark(): Promise<void> {
    const positions: Position[] = []
    for (const file of this.files.files) {
      const position = file.takePosition()
      if (position) positions.push(position)
    }
    if (positions.length === 0) return
    this.waits += 1
    const isAcknowledged = await this.sender.acknowledged()
    this.waits -= 1
    if (!isAcknowledged) return
    for (const position of positions) position.file.commit(position)
    this.hasMoved = true
    await this.saveWhenDue()
  }

  /** Writes moved checkpoints at once, but not within a second of the last time. */
  private async saveWhenDue(): Promise<void> {
    const now = performance.now()
    if (!this.hasMoved || now - this.savedAt < CHECKPOINT_MILLIS) return
    this.savedAt = now
    this.hasMoved = false
    await this.save()
  }

  /** Writes the checkpoints. A call during a write waits for that write alone, and the next call writes again. */
  private save(): Promise<void> {
    this.saving ??= this.write().finally(() => (this.saving = undefined))
    return this.saving
  }

  private async write(): Promise<void> {
    const { checkpoints, files, options } = this
    try {
      await checkpoints.write(files.checkpoints())
    } catch (error) {
      this.hasMoved = true
      options.say(
        'checkpoints',
        `checkpoints cannot be written to ${checkpoints.path}; after a crash, lines are sent twice: ${(error as Error).message}`,
      )
    }
  }

  private async every(millis: number, task: () => Promise<void>): Promise<void> {
    await this.pause(millis)
    while (!this.signal.aborted) {
      await task()
      await this.pause(millis)
    }
  }

  private async pause(millis: number): Promise<void> {
    await delay(millis, undefined, { signal: this.signal }).catch(() => {})
  }
}
