import { timers, unref } from './timers.ts'

/** What is kept for a pipe that is full. What comes then is not written. */
const MAX_WAITING_BYTES = 64 * 1024
const RETRY_MILLIS = 100

interface Builtins {
  'node:fs': typeof import('node:fs')
  'node:worker_threads': typeof import('node:worker_threads')
}

const ignore = (): void => {}
const getBuiltinModule = process.getBuiltinModule as ((name: string) => unknown) | undefined
/** Stays empty where `getBuiltinModule` is there. */
const imported: Partial<Builtins> = {}
if (getBuiltinModule === undefined) {
  import('node:fs').then((fs) => (imported['node:fs'] = fs), ignore)
  import('node:worker_threads').then((threads) => (imported['node:worker_threads'] = threads), ignore)
}
let waiting = Buffer.alloc(0)
let retry: NodeJS.Timeout | undefined
/** The descriptor of a worker. */
let reopened: number | undefined

/**
 * Writes a line to stderr. Never throws, never blocks on a full pipe, and causes no 'error' event that could end the process:
 * stderr may be closed, full, on a full disk, or replaced by anything.
 */
export function writeToStderr(line: string): void {
  try {
    const { stderr } = process
    const fs = isNative(stderr) ? builtin('node:fs') : undefined
    if (fs === undefined) return writeToStream(stderr, line)
    if (waiting.length <= MAX_WAITING_BYTES) waiting = Buffer.concat([waiting, Buffer.from(line)])
    writeWaiting(fs)
  } catch {
    // Nobody is left to tell.
  }
}

/** Keeps the rejection of an asynchronous function of the application from ending the process. */
export function ignoreRejection(returned: unknown): void {
  if (typeof returned === 'object' && returned !== null && 'then' in returned) {
    Promise.resolve(returned).catch(ignore)
  }
}

/**
 * Whether stderr is what Node made it. A `write` that was replaced, as by test runners, is to be called. A worker's stderr goes
 * through the main thread, which takes nothing more once the process is ending.
 */
function isNative(stderr: NodeJS.WriteStream & { fd?: number }): boolean {
  return !Object.hasOwn(stderr, 'write') && (isWorker() || stderr.fd === 2)
}

/**
 * Writes to the descriptor, which fails by a throw: the stream fails by an 'error' event later, which has listeners of the
 * application that may end the process, and holds the process open while its pipe is full. To have read `process.stderr` has made
 * a pipe non-blocking, in the main thread.
 */
function writeWaiting(fs: typeof import('node:fs')): void {
  timers.clearTimeout(retry)
  retry = undefined
  try {
    // What the application has written comes first.
    if (!process.stderr.writableLength) waiting = waiting.subarray(fs.writeSync(descriptor(fs), waiting))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') waiting = waiting.subarray(waiting.length)
  }
  if (waiting.length > 0) retry = unref(timers.setTimeout(() => writeWaiting(fs), RETRY_MILLIS))
}

/**
 * Opens the pipe of stderr anew in a worker, without blocking: nobody may have read `process.stderr` in the main thread, which
 * makes it non-blocking. Node closes the descriptor with the worker.
 * @throws when nobody reads the pipe any more
 */
function descriptor(fs: typeof import('node:fs')): number {
  if (!isWorker()) return 2
  if (reopened !== undefined) return reopened
  reopened = 2
  try {
    const { O_NONBLOCK, O_WRONLY } = fs.constants
    if (fs.fstatSync(2).isFIFO()) reopened = fs.openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK)
  } catch (error) {
    // Other systems and other users cannot open it.
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') return reopened
    reopened = undefined
    throw error
  }
  return reopened
}

function writeToStream(stderr: NodeJS.WriteStream, line: string): void {
  if (stderr.writableLength > MAX_WAITING_BYTES) return
  ignoreErrorsOf(stderr, (written) => ignoreRejection(stderr.write(line, written)))
}

/**
 * Writes to a stream whose 'error' event does not end the process meanwhile. A stream emits no more than one: what the
 * application writes after ours has failed fails in silence.
 * @param write calls `written` when the stream is done with what was written
 * @throws what `write` throws
 */
export function ignoreErrorsOf(stream: NodeJS.WriteStream, write: (written: () => void) => void): void {
  // An error event without a listener ends the process. It comes in the turn in which the callback is called, or never.
  if (typeof stream.listeners === 'function' && !stream.listeners('error').includes(ignore)) {
    stream.on('error', ignore)
  }
  const written = (): void => {
    timers.setImmediate(() => {
      try {
        if (!stream.writableLength) stream.off('error', ignore)
      } catch {
        // It was replaced by something that cannot do that.
      }
    })
  }
  try {
    write(written)
  } catch (error) {
    written()
    throw error
  }
}

function isWorker(): boolean {
  return builtin('node:worker_threads')?.isMainThread === false
}

/**
 * Loads a module of Node.js at the first diagnostic: node:fs and node:worker_threads load 30 others, which takes 10 ms.
 *
 * @returns `undefined` in the first turns of Node.js before 20.16
 */
function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] | undefined {
  return getBuiltinModule ? (getBuiltinModule(name) as Builtins[Name]) : imported[name]
}
