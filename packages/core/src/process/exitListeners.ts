/** Work at the `exit` of a process, around the listeners of the application. */
export interface ExitWatch {
  /** Sends and stores what is unsent. Called before those listeners, because one that throws keeps later ones from being called, and behind them. */
  flush(): void
  /** Reports what is left. Called behind those listeners. */
  report(): void
  /** Ends all. Called when no listener can log any more. */
  end(): void
}

type WatchExit = (watch: ExitWatch) => () => void

/** An ESM and a CommonJS copy of this module can meet in one process: each would move its listener behind that of the other. */
const KEY = Symbol.for('logbridge.watchExit.1')
const shared = globalThis as { [KEY]?: WatchExit }

/**
 * Calls back before and behind all other listeners of `exit`, those that are added later included, because they may log.
 * @returns stops calling
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

  /** `process.exit()` calls this method behind all listeners: those of the current turn, and one that exits itself, come before it. */
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

  /** Moves `onLast` in the next microtask, because Node.js adds the listener behind this call. */
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
