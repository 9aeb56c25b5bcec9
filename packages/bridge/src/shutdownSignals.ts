import { constants } from 'node:os'
import type { OptionRule } from './options.ts'

/** Signals that end a process which does not handle them. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']

/** The rule of an option for such signals. */
export const shutdownSignalsRule: OptionRule = {
  accepts: `an array of ${SIGNALS.join(', ')}`,
  test: (value) => Array.isArray(value) && value.every((signal) => SIGNALS.includes(signal)),
}

/** What a signal that ends the process asks for. */
export interface SignalEnding {
  /** Bounded in time; never rejects. */
  flush(): Promise<unknown>
  /** The last that is done: a process that a signal ends emits no `exit`. */
  atEnd(): void
}

interface Watch {
  readonly endings: Set<SignalEnding>
  readonly listener: () => void
}

/** An ESM and a CommonJS copy of this module can meet in one process: they must not take each other for the user's. */
const KEY = Symbol.for('logbridge.shutdownSignals.1')
const holder = globalThis as { [KEY]?: { readonly watches: Map<NodeJS.Signals, Watch>; ending: boolean } }
const state = (holder[KEY] ??= { watches: new Map(), ending: false })

/**
 * Flushes when one of the signals comes. Then the process ends by that signal, as it would have without us; a second one
 * ends it at once. Where the application has handlers of its own, they run as ever and decide what becomes of the
 * process: we flush meanwhile. Not for a worker thread, which no signal reaches.
 *
 * @returns stops watching
 */
export function watchShutdownSignals(signals: readonly NodeJS.Signals[], ending: SignalEnding): () => void {
  for (const signal of signals) {
    let watch = state.watches.get(signal)
    if (watch === undefined) {
      watch = { endings: new Set(), listener: () => void onSignal(signal) }
      state.watches.set(signal, watch)
      // First, so that handlers which are called once are still to be seen.
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
  // The first process of a container has no default action for a signal: it would live on.
  if (process.listenerCount(signal) === 0) process.exit(128 + constants.signals[signal])
}

/**
 * The package signal-exit, which half of npm depends on, listens to signals for the sake of the end, and ends the process when
 * nobody else listens. Each of us would leave that to the other. It counts its listeners here: version 3, then 4.
 */
function listenersOfSignalExit(): number {
  const { __signal_exit_emitter__: third } = process as { __signal_exit_emitter__?: { count?: number } }
  const fourth = (globalThis as Record<symbol, { count?: number } | undefined>)[
    Symbol.for('signal-exit emitter')
  ]
  return (third?.count ?? 0) + (fourth?.count ?? 0)
}
