/*
 * Order of the listeners of `exit`. This entry point loads nothing else, because the preload of `@logbridge/auto` needs it in each process.
 */

/** Work at the `exit` of a process, before and after the listeners of the application. */
export interface ExitWatch {
  /** Sends and stores unsent telemetry. Called before and after those listeners, because a listener that throws ends the calls. */
  flush(): void
  /** Reports unsent telemetry. Called after those listeners. */
  report(): void
  /** Ends the pipeline. Called after the last listener that can log. */
  end(): void
}

type WatchExit = (watch: ExitWatch) => () => void

/** Shared by an ESM and a CommonJS copy of this module, because each would move its listener after the other's. */
const KEY = Symbol.for('logbridge.watchExit.1')
const shared = globalThis as { [KEY]?: WatchExit }

/**
 * Calls the watch before and after all other listeners of `exit`, including those added later, because any listener may log.
 * @returns function that removes the watch
 */
export const watchExit: WatchExit = (shared[KEY] ??= createWatchExit())

function createWatchExit(): WatchExit {
  const watches = new Set<ExitWatch>()
  let isMoving = false

  function onFirst(): void {
    for (const watch of watches) watch.flush()
    if (watches.size > 0) endInReallyExit()
  }

  function onLast(): void {
    for (const watch of watches) {
      watch.flush()
      watch.report()
    }
    if (process.listeners('exit').at(-1) === onLast) endAll()
  }

  function endAll(): void {
    for (const watch of watches) watch.end()
    watches.clear()
  }

  /** Wraps `process.reallyExit`, which `process.exit()` calls after all listeners, including a listener that calls `process.exit()`. */
  function endInReallyExit(): void {
    const { reallyExit } = process as { reallyExit?: (code?: number) => void }
    if (reallyExit === undefined) return
    Object.assign(process, {
      reallyExit(code?: number) {
        onLast()
        endAll()
        reallyExit.call(process, code)
      },
    })
  }

  /** Moves `onLast` in the next microtask, because Node.js adds the new listener after this call. */
  function onNewListener(event: string | symbol, listener: unknown): void {
    if (event !== 'exit' || listener === onLast || isMoving) return
    isMoving = true
    void move()
  }

  async function move(): Promise<void> {
    await Promise.resolve()
    isMoving = false
    if (watches.size > 0) process.off('exit', onLast).on('exit', onLast)
  }

  return (watch) => {
    if (watches.size === 0) {
      process.prependListener('exit', onFirst).on('exit', onLast).on('newListener', onNewListener)
    }
    watches.add(watch)
    return () => {
      watches.delete(watch)
      if (watches.size > 0) return
      process.off('exit', onFirst).off('exit', onLast).off('newListener', onNewListener)
    }
  }
}
