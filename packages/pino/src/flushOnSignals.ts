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

/** What `pino.transport()` returns: the end in the main thread of a stream into pino's worker. */
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
 * Has signals that end the process wait until pino's worker has sent what was logged, or stored it in its spool. Then the
 * process ends by that signal, as it would have without; a second one ends it at once. Where the application has handlers of its
 * own, they run as ever and decide what becomes of the process.
 *
 * @param logger a logger with a transport in pino's worker, or what `pino.transport()` returns
 * @returns stops watching
 * @throws LogbridgeError `INVALID_OPTION` for a logger without such a transport, or a wrong option
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

/** Never rejects. What is logged meanwhile, and what another target of the worker holds up, is left to the end of the stream. */
async function flushWorker(stream: WorkerStream, timeoutMillis: number): Promise<void> {
  const endNote = noteLongWait(`pino's worker to send log records, at most ${timeoutMillis} ms`)
  await waitAtMost(requestFlush(stream, timeoutMillis), timeoutMillis)
  endNote()
}

let lastId = 0

async function requestFlush(stream: WorkerStream, timeoutMillis: number): Promise<void> {
  if (stream.destroyed) return
  const closed = new Promise((resolve) => stream.once('close', resolve))
  // It is told by events of its own what goes wrong.
  if (!stream.ready) await Promise.race([once(stream, 'ready').catch(() => {}), closed])
  // thread-stream moves what was logged to the memory that it shares with its worker in the next turn.
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

/** Ends the stream and its worker, and blocks this thread meanwhile: a process that a signal ends has no later. */
function end(stream: WorkerStream, timeoutMillis: number): void {
  if (stream.destroyed) return
  try {
    const message: EndMessage = { code: END, timeoutMillis }
    stream.emit('message', message)
    stream.flushSync()
    stream.end()
  } catch {
    // The worker does not read. It is said where its user listens: as the `error` of the stream.
  }
}
