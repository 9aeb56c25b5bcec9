import { timers, unref } from '@logbridge/bridge/internal'

/**
 * The disk may take 5 s for one piece of work, counted in ticks of the event loop. A blocked loop, or a process that was
 * suspended, sees one tick, and then the answer of the disk.
 */
const TICK_MILLIS = 1000
const MAX_TICKS = 5

/**
 * Watches over a disk that may not answer, as one on the network whose server has gone. Nothing can end a system call: it
 * holds one of the process's few threads until the disk answers. So no other work is begun meanwhile.
 */
export class DiskTimeout {
  private stuck = 0

  /** Whether work is under way that has taken too long. */
  get isOver(): boolean {
    return this.stuck > 0
  }

  /** Waits for work to end. @param onLate called when it takes too long */
  async watch<Result>(work: Promise<Result>, onLate: () => void): Promise<Result> {
    let isLate = false
    let ticks = 0
    const timer = unref(
      timers.setInterval(() => {
        ticks += 1
        if (ticks < MAX_TICKS) return
        timers.clearInterval(timer)
        isLate = true
        this.stuck += 1
        onLate()
      }, TICK_MILLIS),
    )
    try {
      return await work
    } finally {
      timers.clearInterval(timer)
      if (isLate) this.stuck -= 1
    }
  }
}
