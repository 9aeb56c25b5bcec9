import { timers, unref } from '@logbridge/bridge/internal'

/** Number of buffers that are kept beside the queue, as many as requests in flight. */
const MIN_BUFFERS = 4
/**
 * Number of buffers that are kept while the cap of the queue has room for them. A flood needs as many; allocating them again would make V8
 * collect garbage, a sixth of the CPU of messages of 2 kB (`pnpm bench growth-message`).
 */
const MAX_BUFFERS = 64
/** Time without a use after which a buffer is released, in milliseconds. */
const RELEASE_MILLIS = 5000

/**
 * Buffers of one size that are used again. The buffers that were free for a while are released, so that a steady stream of records
 * keeps as many as the stream needs, and none of the buffers that a flood needed.
 */
export class BufferPool {
  private readonly size: number
  private readonly free: Buffer[] = []
  private timer: NodeJS.Timeout | undefined
  /** Least number of free buffers since the last release. */
  private unused = 0
  private isClosed = false

  /** @param size size of each buffer in bytes */
  constructor(size: number) {
    this.size = size
  }

  /** Memory of the buffers that the cap of the queue must have room for, in bytes. */
  get spareBytes(): number {
    return Math.max(0, this.free.length - MIN_BUFFERS) * this.size
  }

  /** Returns a free buffer, or a new one. Its bytes are those of its last use. */
  take(): Buffer {
    const buffer = this.free.pop()
    this.unused = Math.min(this.unused, this.free.length)
    return buffer ?? Buffer.allocUnsafeSlow(this.size)
  }

  /** Gives a buffer back that nothing reads any more. A buffer of another size is left to the garbage collector. */
  give(buffer: Buffer): void {
    if (buffer.length !== this.size || this.free.length === MAX_BUFFERS || this.isClosed) return
    this.free.push(buffer)
    this.timer ??= this.schedule()
  }

  /** Releases the buffers that `spareBytes` counts. */
  releaseSpare(): void {
    this.free.length = Math.min(this.free.length, MIN_BUFFERS)
    this.unused = Math.min(this.unused, this.free.length)
  }

  /** Releases all buffers, because the pipeline has ended. */
  close(): void {
    this.isClosed = true
    this.free.length = 0
    timers.clearTimeout(this.timer)
  }

  private schedule(): NodeJS.Timeout {
    return unref(timers.setTimeout(() => this.releaseUnused(), RELEASE_MILLIS))
  }

  private releaseUnused(): void {
    // The buffers at the front are those that were free all the time, because the last one is taken first.
    this.free.splice(0, this.unused)
    this.unused = this.free.length
    this.timer = this.free.length > 0 ? this.schedule() : undefined
  }
}
