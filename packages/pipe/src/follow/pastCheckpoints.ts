import type { Checkpoint, Log } from './checkpoints.ts'
import { hasFingerprint } from './fingerprint.ts'

/** Number of checkpoints that are kept, beyond which those of files that were read to their ends are forgotten. */
const MAX_CHECKPOINTS = 10_000

/** Checkpoints of files that are not open, by which a file that was read is known. Oldest first. */
export class PastCheckpoints {
  private readonly byId = new Map<string, Checkpoint>()

  constructor(previous: readonly Checkpoint[]) {
    for (const checkpoint of previous) this.byId.set(checkpoint.id, checkpoint)
  }

  values(): Iterable<Checkpoint> {
    return this.byId.values()
  }

  get(id: string): Checkpoint | undefined {
    return this.byId.get(id)
  }

  delete(id: string): void {
    this.byId.delete(id)
  }

  /** Adds or replaces the checkpoint of a file. The oldest files that were read to their ends are forgotten when there are too many. */
  set(checkpoint: Checkpoint): void {
    this.byId.set(checkpoint.id, checkpoint)
    for (const [id, { isDone }] of this.byId) {
      if (this.byId.size <= MAX_CHECKPOINTS) break
      if (isDone) this.byId.delete(id)
    }
  }

  /** Tests if an open file is one that was read before, and no other with its inode. */
  isRead(id: string, fd: number): boolean {
    const checkpoint = this.byId.get(id)
    return (
      checkpoint !== undefined && checkpoint.offset > 0 && hasFingerprint(fd, checkpoint.offset, checkpoint)
    )
  }
}

/** Returns each log once, with the oldest time of its files. */
export function logsOf(checkpoints: readonly Checkpoint[]): Iterable<Log & { readonly modified: number }> {
  const logs = new Map<string, Checkpoint>()
  for (const checkpoint of checkpoints) {
    const { realPath, modified } = checkpoint
    if (modified < (logs.get(realPath)?.modified ?? Infinity)) logs.set(realPath, checkpoint)
  }
  return logs.values()
}
