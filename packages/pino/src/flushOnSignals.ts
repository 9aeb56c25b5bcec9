import { once } from 'node:events'
import { isMainThread } from 'node:worker_threads'
import { checkOptions, LogbridgeError, type OptionRule, rules } from '@logbridge/bridge'
import {
  END_TIMEOUT_MILLIS,
  nextTurn,
  noteLongWait,
  shutdownSignalsRule,
  type SignalEnding,
  waitAtMost,
  watchShutdownSignals,
} from '@logbridge/bridge/internal'
import { streamOf } from './logger.ts'
import { type EndMessage, END, FLUSH, FLUSHED, type FlushMessage } from './workerMessages.ts'

/** Options of `flushOnSignals`. */
export interface FlushOnSignalsOptions {
  /**
   * Signals that end the process.
   * @default ['SIGTERM', 'SIGINT']
   */
  signals?: readonly NodeJS.Signals[] | undefined
  /**
   * Milliseconds that the end of the process waits at most for the delivery.
   * @default 3000
   */
  flushTimeoutMillis?: number | undefined
}

/** Result of `pino.transport()`: the stream of the main thread into pino's worker. */
interface WorkerStream extends NodeJS.EventEmitter {
  readonly worker: object
  readonly ready: boolean
  readonly destroyed: boolean
  flush(callback: (error?: unknown) => void): void
  flushSync(): void
  end(): void
}

const optionRules: Readonly<Record<keyof FlushOnSignalsOptions, OptionRule>> = {
  signals: shutdownSignalsRule,
  flushTimeoutMillis: rules.millis,
}

/**
 * Delays signals that end the process until pino's worker has sent the records, or stored them in its spool. Then the process
 * ends by the same signal. A second signal ends the process at once. Signal handlers of the application run as before and
 * decide how the process ends.
 *
 * @param logger logger with a transport in pino's worker, or the result of `pino.transport()`
 * @returns a function that stops watching the signals
 * @throws LogbridgeError `INVALID_OPTION` for a logger without such a transport, and for a wrong option
 * @example
 * const logger = pino({ transport: { target: '@logbridge/pino', options } })
 * flushOnSignals(logger)
 */
export function flushOnSignals(logger: object, options: FlushOnSignalsOptions = {}): () => void {
  checkOptions('@logbridge/pino', options, optionRules)
  const { signals = ['SIGTERM', 'SIGINT'], flushTimeoutMillis = END_TIMEOUT_MILLIS } = options
  const streams = workerStreamsOf(logger)
  if (streams.length === 0) {
    throw new LogbridgeError(
      'INVALID_OPTION',
      "@logbridge/pino: flushOnSignals() needs a logger with a transport in pino's worker, or what pino.transport() returns. " +
        'With otelStream() give the option shutdownSignals to startTelemetry() or createLoggerProvider()',
    )
  }
  // No signal reaches a worker thread.
  const watched = isMainThread ? signals : []
  const stops = streams.map((stream) => {
    const stop = watchShutdownSignals(watched, createEnding(stream, flushTimeoutMillis))
    stream.once('close', stop)
    return stop
  })
  return () => {
    for (const stop of stops) stop()
  }
}

function workerStreamsOf(logger: object): WorkerStream[] {
  const stream = streamOf(logger) ?? logger
  const { streams } = stream as { streams?: { stream: object }[] }
  const all = Array.isArray(streams) ? streams.map((entry) => entry.stream) : [stream]
  return all.filter(isWorkerStream)
}

function isWorkerStream(stream: object): stream is WorkerStream {
  const { worker, flushSync } = stream as Partial<WorkerStream>
  return typeof worker === 'object' && typeof flushSync === 'function'
}

function createEnding(stream: WorkerStream, timeoutMillis: number): SignalEnding {
  let deadline = 0
  let isFlushing = false
  return {
    async flush() {
      deadline = performance.now() + timeoutMillis
      isFlushing = true
      await flushWorker(stream, timeoutMillis)
      isFlushing = false
    },
    atEnd() {
      // A second signal ends the flush.
      end(stream, isFlushing ? 0 : Math.max(0, deadline - performance.now()))
    },
  }
}

/** Flushes the worker. Never rejects. Records that are logged meanwhile are left to the end of the stream. */
async function flushWorker(stream: WorkerStream, timeoutMillis: number): Promise<void> {
  const endNote = noteLongWait(`pino's worker to send log records, at most ${timeoutMillis} ms`)
  await waitAtMost(requestFlush(stream, timeoutMillis), timeoutMillis)
  endNote()
}

let lastId = 0

async function requestFlush(stream: WorkerStream, timeoutMillis: number): Promise<void> {
  if (stream.destroyed) return
  const closed = new Promise((resolve) => stream.once('close', resolve))
  // Errors of the start are events of the stream.
  if (!stream.ready) await Promise.race([once(stream, 'ready').catch(() => {}), closed])
  // thread-stream copies lines to its shared memory in the next turn.
  await nextTurn()
  await Promise.race([new Promise((resolve) => stream.flush(resolve)), closed])
  const message: FlushMessage = { code: FLUSH, id: ++lastId, timeoutMillis }
  const flushed = new Promise<void>((resolve) => {
    stream.on(FLUSHED, function listen(id: unknown) {
      if (id !== message.id) return
      stream.off(FLUSHED, listen)
      resolve()
    })
  })
  stream.emit('message', message)
  await Promise.race([flushed, closed])
}

/** Ends the stream and its worker, and blocks the thread meanwhile, because the signal ends the process right after. */
function end(stream: WorkerStream, timeoutMillis: number): void {
  if (stream.destroyed) return
  try {
    const message: EndMessage = { code: END, timeoutMillis }
    stream.emit('message', message)
    stream.flushSync()
    stream.end()
  } catch {
    // The worker does not read. The stream emits `error`.
  }
}
