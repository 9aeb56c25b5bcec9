import { timers, unref } from './timers.ts'

/** Size of the buffer for a full pipe. Further lines are dropped. */
const MAX_WAITING_BYTES = 64 * 1024
const RETRY_MILLIS = 100

interface Builtins {
  'node:fs': typeof import('node:fs')
  'node:worker_threads': typeof import('node:worker_threads')
}

const ignore = (): void => {}
const getBuiltinModule = process.getBuiltinModule as ((name: string) => unknown) | undefined
/** Modules for Node.js without `getBuiltinModule`. */
const imported: Partial<Builtins> = {}
if (getBuiltinModule === undefined) {
  import('node:fs').then((fs) => (imported['node:fs'] = fs), ignore)
  import('node:worker_threads').then((threads) => (imported['node:worker_threads'] = threads), ignore)
}
let waiting = Buffer.alloc(0)
let retry: NodeJS.Timeout | undefined
/** Descriptor that a worker opened. */
let reopened: number | undefined

/**
 * Writes a line to stderr. Never throws, never blocks on a full pipe, and emits no 'error' event, which could end the process: stderr may be closed,
 * full, on a full disk, or replaced.
 */
export function writeToStderr(line: string): void {
  try {
    const { stderr } = process
    const fs = isNative(stderr) ? builtin('node:fs') : undefined
    if (fs === undefined) return writeToStream(stderr, line)
    if (waiting.length <= MAX_WAITING_BYTES) waiting = Buffer.concat([waiting, Buffer.from(line)])
    writeWaiting(fs)
  } catch {
    // The line is dropped.
  }
}

/** Runs a function, and returns true when the function has written the line to `process.stderr`. Never throws. */
export function writesToStderr(line: string, run: () => void): boolean {
  let isWritten = false
  let stopWatching = ignore
  try {
    stopWatching = watchWrites((text) => (isWritten ||= text.includes(line)))
  } catch {
    // The replacement of stderr cannot be watched.
  }
  try {
    run()
  } catch {
    // The caller writes the line.
  }
  stopWatching()
  return isWritten
}

/** Watches what the application writes to `process.stderr`. Returns a function that ends the watch. */
function watchWrites(onWrite: (text: string) => void): () => void {
  const { stderr } = process
  const { write } = stderr
  const own = Object.getOwnPropertyDescriptor(stderr, 'write')
  const watched = (...args: Parameters<typeof write>): boolean => {
    if (typeof args[0] === 'string') onWrite(args[0])
    return Reflect.apply(write, stderr, args)
  }
  Object.defineProperty(stderr, 'write', { value: watched, configurable: true, writable: true })
  return () => {
    if (own) Object.defineProperty(stderr, 'write', own)
    else Reflect.deleteProperty(stderr, 'write')
  }
}

/** Keeps the rejection of an asynchronous function of the application from ending the process. */
export function ignoreRejection(returned: unknown): void {
  if (typeof returned === 'object' && returned !== null && 'then' in returned) {
    Promise.resolve(returned).catch(ignore)
  }
}

/**
 * Tests for a stderr that can be written by its descriptor. A replaced `write`, e.g. of a test runner, is called instead. The stream of a worker
 * writes through the main thread, which stops when the process ends.
 */
function isNative(stderr: NodeJS.WriteStream & { fd?: number }): boolean {
  return !Object.hasOwn(stderr, 'write') && (isWorker() || stderr.fd === 2)
}

/**
 * Writes to the descriptor, because a failure throws. The stream would emit an 'error' event later, whose listeners may end the process, and would
 * keep the process alive while the pipe is full. Reading `process.stderr` in the main thread has made a pipe non-blocking.
 */
function writeWaiting(fs: typeof import('node:fs')): void {
  timers.clearTimeout(retry)
  retry = undefined
  try {
    // The lines of the application come first.
    if (!process.stderr.writableLength) waiting = waiting.subarray(fs.writeSync(descriptor(fs), waiting))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') waiting = waiting.subarray(waiting.length)
  }
  if (waiting.length > 0) retry = unref(timers.setTimeout(() => writeWaiting(fs), RETRY_MILLIS))
}

/**
 * Reopens the pipe of stderr in a worker, as non-blocking, because the main thread may not have read `process.stderr`. Node.js closes the
 * descriptor with the worker.
 * @throws when the pipe has no reader
 */
function descriptor(fs: typeof import('node:fs')): number {
  if (!isWorker()) return 2
  if (reopened !== undefined) return reopened
  reopened = 2
  try {
    const { O_NONBLOCK, O_WRONLY } = fs.constants
    if (fs.fstatSync(2).isFIFO()) reopened = fs.openSync('/proc/self/fd/2', O_WRONLY | O_NONBLOCK)
  } catch (error) {
    // Other systems and other users cannot open the pipe.
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
 * Writes to a stream, and ignores its 'error' event meanwhile. A stream emits one 'error' event at most: later writes of the application fail
 * without an event.
 * @param write calls `written` when the stream has finished the write
 * @throws the error of `write`
 */
export function ignoreErrorsOf(stream: NodeJS.WriteStream, write: (written: () => void) => void): void {
  // An 'error' event without a listener ends the process. The stream emits the event in the turn of the callback.
  if (typeof stream.listeners === 'function' && !stream.listeners('error').includes(ignore)) {
    stream.on('error', ignore)
  }
  const written = (): void => {
    timers.setImmediate(() => {
      try {
        if (!stream.writableLength) stream.off('error', ignore)
      } catch {
        // The replacement of the stream has no `off`.
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
