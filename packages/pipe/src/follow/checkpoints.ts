import { hash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Checksum, type Fingerprint, FINGERPRINT_BYTES } from './fingerprint.ts'

/** Log that a program writes. Its files keep this identity when they are rotated and after a restart. */
export interface Log {
  /** Path under which the file, or the file before it in the rotation, was found. Records have it as `log.file.path`. */
  readonly path: string
  /** The path without symbolic links, whose folder has the rotated files. */
  readonly realPath: string
}

/** Position in a file up to which all records are acknowledged. */
export interface Checkpoint extends Fingerprint, Log {
  /** Device and inode: `66306:1234`. */
  readonly id: string
  readonly offset: number
  /** Time of the last change of the file while it had its name, in milliseconds since 1970. */
  readonly modified: number
  /** True when the file had lost the name of its log, and was read to its end. */
  readonly isDone: boolean
}

interface Stored {
  readonly version: 1
  readonly files: readonly Checkpoint[]
}

/** File with the checkpoints of one command. */
export class CheckpointFile {
  readonly path: string
  /** Checkpoints of the run before; `undefined` at the first start. */
  readonly previous: readonly Checkpoint[] | undefined
  private written = ''
  /** Version of the file that this process has written, or seen last. */
  private version: string | undefined

  /** @throws Error when the folder cannot be made, or the file cannot be read or holds anything else */
  constructor(path: string) {
    this.path = path
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    this.previous = readCheckpoints(path)
  }

  /**
   * Replaces the file in one step, so that a crash leaves the old or the new checkpoints.
   *
   * @throws Error of the file system, or about another command that writes the file, too; the old checkpoints stay
   */
  async write(files: readonly Checkpoint[]): Promise<void> {
    const stored: Stored = { version: 1, files }
    const text = `${JSON.stringify(stored)}\n`
    if (text === this.written) return
    await this.checkVersion()
    const temporary = `${this.path}.new`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(text)
      // Without the sync, a power failure may leave the new name with no content.
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(temporary, this.path)
    this.written = text
    this.version = await versionOf(this.path)
  }

  /** @throws Error when another command has written the file since; the next call passes */
  private async checkVersion(): Promise<void> {
    const found = await versionOf(this.path)
    const expected = this.version
    this.version = found
    if (expected === undefined || found === undefined || found === expected) return
    throw new Error('another command has written them, and two commands must not share the file')
  }
}

/** Returns the identity of a file; `undefined` when there is none. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true })
    return `${ino}:${mtimeNs}`
  } catch {
    return undefined
  }
}

/** Returns the default path: in the state folder of the user, with a name for these patterns. */
export function defaultCheckpointPath(patterns: readonly string[]): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state')
  const name = hash('sha256', JSON.stringify(patterns.toSorted()), 'hex').slice(0, 16)
  return join(state, 'logbridge', `pipe-${name}.json`)
}

function readCheckpoints(path: string): readonly Checkpoint[] | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const stored = parse(text)
  if (stored?.version !== 1 || !Array.isArray(stored.files) || !stored.files.every(isCheckpoint))
    throw new Error('it has no checkpoints of this version')
  return stored.files
}

function parse(text: string): Partial<Stored> | undefined {
  try {
    return (JSON.parse(text) as Partial<Stored> | null) ?? undefined
  } catch {
    return undefined
  }
}

function isCheckpoint(value: unknown): boolean {
  const { path, realPath, id, offset, modified, isDone, head, tail } = (value ?? {}) as Partial<Checkpoint>
  return (
    typeof path === 'string' &&
    typeof realPath === 'string' &&
    typeof id === 'string' &&
    isCount(offset) &&
    typeof modified === 'number' &&
    typeof isDone === 'boolean' &&
    isChecksum(head) &&
    isChecksum(tail)
  )
}

function isChecksum(value: Checksum | undefined): boolean {
  return typeof value?.hash === 'string' && isCount(value.bytes) && value.bytes <= FINGERPRINT_BYTES
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
