import { Socket } from 'node:net'
import { timers, unref } from '@logbridge/bridge/internal'

const CHECK_MILLIS = 500

/** A write or a connection under way: libuv keeps the event loop alive for each, also where its socket is unref'd. */
const REQUEST = /(Write|Connect)Wrap$/

/** Listed for stdin, stdout and stderr also while they keep nothing alive. */
const STANDARD_STREAM = /^(Pipe|TTY)Wrap$/

let requests = 0
/** Each gives how many resources of a name keep the event loop alive for an export. */
const exportResources = new Set<{ readonly name: ExportResource; count(): number }>()
let timer: NodeJS.Timeout | undefined
const listeners = new Set<() => void>()

/**
 * Counts a request to a receiver while it is under way.
 * @returns ends that; to be called once
 */
export function countRequest(): () => void {
  if (requests++ === 0) timer = unref(timers.setInterval(check, CHECK_MILLIS))
  return () => {
    if (--requests === 0) timers.clearInterval(timer)
  }
}

/** A timer for the deadline of an export, in the SDK or in grpc-js; a connection of grpc-js. Both hold through each wait. */
type ExportResource = 'Timeout' | 'TCPSocketWrap'

/**
 * Counts resources that an export keeps while it is under way.
 * @returns ends that
 */
export function countResource(name: ExportResource, count: () => number = () => 1): () => void {
  const resource = { name, count }
  exportResources.add(resource)
  return () => void exportResources.delete(resource)
}

/**
 * Calls back when nothing but unread requests and resources of exports keeps the process from ending: `beforeExit` then comes only
 * after the last of their deadlines. Everything else of the process would be listed as well, sockets of its own included.
 * @returns stops watching
 */
export function onHeldEnd(listener: () => void): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function check(): void {
  const active = process.getActiveResourcesInfo?.() ?? []
  const others = active.filter((name) => !REQUEST.test(name))
  for (const { name, count } of exportResources) {
    for (let left = count(); left > 0; left -= 1) {
      const at = others.indexOf(name)
      if (at >= 0) others.splice(at, 1)
    }
  }
  if (others.length === active.length || !others.every((name) => STANDARD_STREAM.test(name))) return
  // To read `process.stdin` opens it: not where nothing is listed that could be it.
  if (others.length > 0) {
    const { stdin, stdout, stderr } = process
    if (others.length > [stdin, stdout, stderr].filter(isIdle).length) return
  }
  for (const listener of listeners) listener()
}

function isIdle(stream: unknown): boolean {
  return stream instanceof Socket && stream.readableFlowing !== true && stream.listenerCount('readable') === 0
}
