import { timers, unref } from '@logbridge/bridge'

/** How long the disk may take for one piece of work. */
const DISK_TIMEOUT_MILLIS = 5000

/**
 * Watches over a disk that may not answer, as one on the network whose server has gone. Nothing can end a system call: it
 * holds one of the process's few threads until the disk answers. So no other work is begun meanwhile.
 */
export class Patience {
  private stuck = 0

  /** Whether work is under way that has taken too long. */
  get isOver(): boolean {
    return this.stuck > 0
  }

  /** Waits for work to end. @param onLate called when it takes too long */
  async watch<Result>(work: Promise<Result>, onLate: () => void): Promise<Result> {
    let isLate = false
    const timer = unref(
      timers.setTimeout(() => {
        isLate = true
        this.stuck += 1
        onLate()
      }, DISK_TIMEOUT_MILLIS),
    )
    try {
      return await work
    } finally {
      timers.clearTimeout(timer)
      if (isLate) this.stuck -= 1
    }
  }
}
