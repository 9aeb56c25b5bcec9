import { constants } from 'node:os'
import type { OptionRule } from './options.ts'

/** Signals whose default action ends the process. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']

/** Rule of an option for these signals. */
export const shutdownSignalsRule: OptionRule = {
  accepts: `an array of ${SIGNALS.join(', ')}`,
  test: (value) => Array.isArray(value) && value.every((signal) => SIGNALS.includes(signal)),
}

/** Functions that are called when a signal ends the process. */
export interface SignalEnding {
  /** Must be bounded in time and never reject. */
  flush(): Promise<unknown>
  /** Called last, because a process that a signal ends emits no `exit`. */
  atEnd(): void
}

interface Watch {
  readonly endings: Set<SignalEnding>
  readonly listener: () => void
}

/** Shared by all copies of this module in a process, which must not take each other's listeners for those of the application. */
const KEY = Symbol.for('logbridge.shutdownSignals.1')
const holder = globalThis as { [KEY]?: { readonly watches: Map<NodeJS.Signals, Watch>; ending: boolean } }
const state = (holder[KEY] ??= { watches: new Map(), ending: false })

/**
 * Flushes when the process gets one of the signals, then ends the process by that signal. A second signal ends the process at once. When the
 * application handles the signal, its handlers decide if the process ends, and the flush runs meanwhile. For the main thread only, because a
 * worker thread gets no signals.
 *
 * @returns stops watching
 */
export function watchShutdownSignals(signals: readonly NodeJS.Signals[], ending: SignalEnding): () => void {
  for (const signal of signals) {
    let watch = state.watches.get(signal)
    if (watch === undefined) {
      watch = { endings: new Set(), listener: () => void onSignal(signal) }
      state.watches.set(signal, watch)
      // The listener comes first because it counts the handlers of the application: those added by `once` are removed when they run.
      process.prependListener(signal, watch.listener)
    }
    watch.endings.add(ending)
  }
  return () => {
    for (const signal of signals) {
      const watch = state.watches.get(signal)
      if (watch?.endings.delete(ending) && watch.endings.size === 0) forget(signal)
    }
  }
}

function forget(signal: NodeJS.Signals): void {
  const watch = state.watches.get(signal)
  if (watch === undefined) return
  process.off(signal, watch.listener)
  state.watches.delete(signal)
}

async function onSignal(signal: NodeJS.Signals): Promise<void> {
  const endings = [...(state.watches.get(signal)?.endings ?? [])]
  const flushed = (): Promise<unknown> => Promise.all(endings.map((ending) => ending.flush()))
  if (process.listenerCount(signal) > 1 + listenersOfSignalExit()) return void flushed()
  const isSecond = state.ending
  state.ending = true
  if (!isSecond) await flushed()

  for (const ending of endings) ending.atEnd()
  forget(signal)
  process.kill(process.pid, signal)
  // The first process of a container has no default action for a signal and would keep running.
  if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal])
}

/**
 * Returns the number of listeners of the package signal-exit, which counts them in a global: version 3 in the first, version 4 in the second.
 * signal-exit ends the process only when it has the only listeners, so that each package would wait for the other.
 */
function listenersOfSignalExit(): number {
  const { __signal_exit_emitter__: third } = process as { __signal_exit_emitter__?: { count?: number } }
  const fourth = (globalThis as Record<symbol, { count?: number } | undefined>)[
    Symbol.for('signal-exit emitter')
  ]
  return (third?.count ?? 0) + (fourth?.count ?? 0)
}
