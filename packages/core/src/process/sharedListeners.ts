/** Events of `process` that each provider and each processor listens to. */
interface Events {
  beforeExit: []
  uncaughtExceptionMonitor: [thrown: unknown, origin: NodeJS.UncaughtExceptionOrigin]
}

type Listener = (...args: unknown[]) => void

interface Shared {
  readonly listeners: Set<Listener>
  readonly relay: Listener
}

const shared = new Map<keyof Events, Shared>()

function share(): Shared {
  const listeners = new Set<Listener>()
  return {
    listeners,
    relay(...args) {
      // Copy the set, because a listener may add or remove listeners.
      for (const each of Array.from(listeners)) each(...args)
    },
  }
}

/**
 * Adds a listener that must not throw. All listeners of an event share one listener of `process`, because Node.js warns of a leak
 * from the eleventh on.
 *
 * @returns function that removes the listener
 */
export function onProcess<Event extends keyof Events>(
  event: Event,
  listener: (...args: Events[Event]) => void,
): () => void {
  const { listeners, relay } = shared.get(event) ?? share()
  shared.set(event, { listeners, relay })
  if (listeners.size === 0) process.on(event, relay)
  // Each call has its own entry, even when two calls pass the same function.
  const entry: Listener = (...args) => listener(...(args as Events[Event]))
  listeners.add(entry)
  return () => {
    if (listeners.delete(entry) && listeners.size === 0) process.off(event, relay)
  }
}
