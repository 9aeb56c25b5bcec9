import { constants } from 'node:os'
import type { OptionRule } from './options.ts'
import { state } from './state.ts'

/** Signals whose default action ends the process. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']

/** Rule of an option that takes an array of these signals. */
export const shutdownSignalsRule: OptionRule = {
  accepts: `an array of ${SIGNALS.join(', ')}`,
  test: (value) => Array.isArray(value) && value.every((signal) => SIGNALS.includes(signal)),
}

/** Functions that are called when the process gets a watched signal. */
export interface SignalEnding {
  /** Called for a signal, except for a second signal that ends the process at once. Must be bounded in time and never reject. */
  flush(): Promise<unknown>
  /** Called right before the signal ends the process, because a process that a signal ends emits no `exit`. */
  atEnd(): void
}

/**
 * Flushes when the process gets one of the signals, then ends the process by that signal. A second signal ends the process at once. When the
 * application handles the signal, its handlers decide if the process ends, and the flush runs meanwhile. Call this function in the
 * main thread only, because a worker thread gets no signals.
 *
 * @returns a function that stops the calls of `ending`
 */
export function watchShutdownSignals(signals: readonly NodeJS.Signals[], ending: SignalEnding): () => void {
  const { watches } = state.shutdownSignals
  for (const signal of signals) {
    let watch = watches.get(signal)
    if (watch === undefined) {
      watch = { endings: new Set(), listener: () => void onSignal(signal) }
      watches.set(signal, watch)
      // The listener runs first, because the listener counts the handlers of the application, and a handler added by `once` is removed when
      // it runs.
      process.prependListener(signal, watch.listener)
    }
    watch.endings.add(ending)
  }
  return () => {
    for (const signal of signals) {
      const watch = watches.get(signal)
      if (watch?.endings.delete(ending) && watch.endings.size === 0) forget(signal)
    }
  }
}

function forget(signal: NodeJS.Signals): void {
  const { watches } = state.shutdownSignals
  const watch = watches.get(signal)
  if (watch === undefined) return
  process.off(signal, watch.listener)
  watches.delete(signal)
}

async function onSignal(signal: NodeJS.Signals): Promise<void> {
  const endings = [...(state.shutdownSignals.watches.get(signal)?.endings ?? [])]
  const flushAll = (): Promise<unknown> => Promise.all(endings.map((ending) => ending.flush()))
  if (process.listenerCount(signal) > 1 + listenersOfSignalExit()) return void flushAll()
  const isSecond = state.shutdownSignals.ending
  state.shutdownSignals.ending = true
  if (!isSecond) await flushAll()

  for (const ending of endings) ending.atEnd()
  forget(signal)
  process.kill(process.pid, signal)
  // The first process of a container (PID 1) has no default action for a signal and would keep running.
  if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal])
}

/**
 * Returns the number of listeners of the package signal-exit. signal-exit ends the process only when nothing else listens to the signal, and we do
 * the same. Without this number, each of the two would leave the end to the other. Version 3 of signal-exit counts its listeners in a property of
 * `process`, version 4 in a property of `globalThis`.
 */
function listenersOfSignalExit(): number {
  const { __signal_exit_emitter__: version3 } = process as { __signal_exit_emitter__?: { count?: number } }
  const version4 = (globalThis as Record<symbol, { count?: number } | undefined>)[
    Symbol.for('signal-exit emitter')
  ]
  return (version3?.count ?? 0) + (version4?.count ?? 0)
}
