import { timers, unref } from '@logbridge/bridge/internal'

/**
 * Limit of 5 s for one disk operation, counted in ticks of the event loop: after a blocked loop or a suspended process,
 * one tick passes before the answer of the disk is seen.
 */
const TICK_MILLIS = 1000
const MAX_TICKS = 5

/**
 * Detects a disk that stops responding, e.g. a network drive whose server is down. A system call cannot be canceled: it
 * occupies one of the few threads of libuv until the disk responds. So the spool begins no other work meanwhile.
 */
export class DiskTimeout {
  private lateCount = 0

  /** True while an operation is under way that exceeds the limit. */
  get isUnresponsive(): boolean {
    return this.lateCount > 0
  }

  /** Waits for an operation. @param onLate is called when the operation exceeds the limit */
  async watch<Result>(operation: Promise<Result>, onLate: () => void): Promise<Result> {
    let isLate = false
    let ticks = 0
    const timer = unref(
      timers.setInterval(() => {
        ticks += 1
        if (ticks < MAX_TICKS) return
        timers.clearInterval(timer)
        isLate = true
        this.lateCount += 1
        onLate()
      }, TICK_MILLIS),
    )
    try {
      return await operation
    } finally {
      timers.clearInterval(timer)
      if (isLate) this.lateCount -= 1
    }
  }
}
