import { Socket } from 'node:net'
import { timers, unref } from '@logbridge/bridge/internal'

const CHECK_MILLIS = 500

/** Writes and connects in progress. libuv keeps the event loop alive for each, even when the socket is unref'd. */
const REQUEST = /(Write|Connect)Wrap$/

/** Resources that `getActiveResourcesInfo` lists for stdin, stdout, and stderr even when they keep nothing alive. */
const STANDARD_STREAM = /^(Pipe|TTY)Wrap$/

let requests = 0
/** Timers with which the SDK waits for exports. */
let exportTimers = 0
let timer: NodeJS.Timeout | undefined
const listeners = new Set<() => void>()

/**
 * Counts a request to a receiver that is in progress.
 * @returns function that ends the count, to be called once
 */
export function countRequest(): () => void {
  if (requests++ === 0) timer = unref(timers.setInterval(check, CHECK_MILLIS))
  return () => {
    if (--requests === 0) timers.clearInterval(timer)
  }
}

/**
 * Counts the timer with which the SDK waits for an export.
 * @returns function that ends the count, to be called once
 */
export function countExportTimer(): () => void {
  exportTimers += 1
  return () => void (exportTimers -= 1)
}

/**
 * Calls the listener when only unread requests and resources of exports keep the process alive, because `beforeExit` would come
 * after the last of their deadlines. Any other active resource prevents the call.
 * @returns function that removes the listener
 */
export function onHeldEnd(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function check(): void {
  const active = process.getActiveResourcesInfo?.() ?? []
  const others = active.filter((name) => !REQUEST.test(name))
  for (let count = 0; count < exportTimers; count += 1) {
    const at = others.indexOf('Timeout')
    if (at >= 0) others.splice(at, 1)
  }
  if (others.length === active.length || !others.every((name) => STANDARD_STREAM.test(name))) return
  // Read `process.stdin` only when a standard stream is listed, because the first read opens stdin.
  if (others.length > 0) {
    const { stdin, stdout, stderr } = process
    if (others.length > [stdin, stdout, stderr].filter(isIdle).length) return
  }
  for (const listener of listeners) listener()
}

function isIdle(stream: unknown): boolean {
  return stream instanceof Socket && stream.readableFlowing !== true && stream.listenerCount('readable') === 0
}
