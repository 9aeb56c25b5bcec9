import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { warnOnce } from '@logbridge/bridge/internal'
import type { Signal } from '../config/exporter.ts'
import type { ExportOutcome } from '../transport/transport.ts'
import { describeWait, shownEndpoint } from '../process/longWait.ts'
import { now } from './monotonic.ts'
import type { ExitAnswer, ExitTarget, ExitWork } from './types.ts'

/** The worker of `worker.ts` as one script, put in place of this name by `tsup.config.ts`. */
declare const EXIT_WORKER_SOURCE: string

/** How long all exit flushes of a process together may block it. */
const EXIT_FLUSH_MILLIS = 2000
/** Time for the last answers to be read. */
const MARGIN_MILLIS = 100
const LONG_MILLIS = 1000

/** An encoded request that has not been delivered. */
export interface UnsentRequest {
  readonly bytes: Uint8Array
  /** Records in it, or 1 for a batch of spans. */
  readonly recordCount: number
  /** Takes the outcome into the account. One that is `retryable` leaves the request unsent. */
  complete(outcome: ExportOutcome): void
}

/** One signal that can be flushed while its thread is blocked. */
export interface ExitSource {
  readonly signal: Signal
  /** Prepares what cannot be had without waiting. */
  prepare(): void
  /** @throws Error in words without a secret */
  target(): ExitTarget
  /** Gives what is unsent, in flight included, oldest first. */
  unsent(): readonly UnsentRequest[]
}

/** An ESM and a CommonJS copy of this module can meet in one process: they share the time. */
const KEY = Symbol.for('logbridge.exitFlush.1')
const shared = globalThis as { [KEY]?: { endsAt: number | undefined } }
const state = (shared[KEY] ??= { endsAt: undefined })

/** What one signal has sent. */
interface Part {
  readonly signal: Signal
  readonly target: ExitTarget
  readonly unsent: readonly UnsentRequest[]
}

/**
 * Sends what is unsent while this thread is blocked: a process that emits `exit` has no event loop any more, a worker thread
 * that it starts has one. Returns when all of it has an outcome or the time is up. Never throws. What was in flight is sent
 * again, because its answer can no longer be read.
 * @param timeoutMillis is the least of it and of what the exit flushes of the process have left
 * @returns why the last request that is left could not be sent
 */
export function flushAtExit(
  sources: readonly ExitSource[],
  timeoutMillis: number = EXIT_FLUSH_MILLIS,
): string | undefined {
  try {
    state.endsAt ??= now() + EXIT_FLUSH_MILLIS
    const endsAt = Math.min(state.endsAt, now() + timeoutMillis)
    if (endsAt - now() <= MARGIN_MILLIS) return undefined
    const parts = sources.flatMap(partOf)
    return parts.length === 0 ? undefined : sendBlocking(parts, endsAt)
  } catch (error) {
    faulty(error)
    return undefined
  }
}

function partOf(source: ExitSource): Part[] {
  try {
    const unsent = source.unsent()
    return unsent.length === 0 ? [] : [{ signal: source.signal, target: source.target(), unsent }]
  } catch (error) {
    faulty(error)
    return []
  }
}

function faulty(error: unknown): void {
  warnOnce('exit-flush', 'what is unsent cannot be sent while the process exits', error)
}

function sendBlocking(parts: readonly Part[], endsAt: number): string | undefined {
  const { port1, port2 } = new MessageChannel()
  const answered = new Int32Array(new SharedArrayBuffer(4))
  const jobs = parts.map(({ target, unsent }) => ({
    target,
    requests: unsent.map(({ bytes: request }) => new Uint8Array(request).buffer),
  }))
  startWorker({ jobs, endsAt: endsAt - MARGIN_MILLIS, port: port2, answered })

  const unsent = parts.flatMap((part) => part.unsent)
  let reason: string | undefined
  let left = unsent.length
  function takeAnswers(): void {
    for (;;) {
      const received = receiveMessageOnPort(port1)
      if (received === undefined) return
      const { request, outcome } = received.message as ExitAnswer
      left -= 1
      if (outcome.kind === 'retryable') reason = outcome.reason
      unsent[request]!.complete(outcome)
    }
  }

  const start = now()
  for (let isNoted = false; ;) {
    const seen = Atomics.load(answered, 0)
    takeAnswers()
    const time = now()
    if (left === 0 || time >= endsAt) return reason
    if (!isNoted && time - start >= LONG_MILLIS) {
      isNoted = true
      noteLongWait(parts, endsAt - start)
    }
    const until = isNoted ? endsAt : Math.min(endsAt, start + LONG_MILLIS)
    Atomics.wait(answered, 0, seen, Math.max(1, until - time))
  }
}

function noteLongWait(parts: readonly Part[], timeoutMillis: number): void {
  const waiting = parts.map(({ signal, target, unsent }) => ({
    signal,
    endpoint: shownEndpoint(target.url),
    count: unsent.reduce((sum, { recordCount: count }) => sum + count, 0),
  }))
  warnOnce('long-wait exit', `still waiting for ${describeWait(waiting, timeoutMillis)}`)
}

function startWorker(workerData: ExitWork): void {
  const worker = new Worker(EXIT_WORKER_SOURCE, {
    eval: true,
    name: 'logbridge exit flush',
    workerData,
    transferList: [workerData.port, ...workerData.jobs.flatMap(({ requests }) => requests)],
    // What the application preloads has no place in this thread, and would take the time.
    execArgv: networkOptions(),
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // Only where the process goes on after all.
  worker.on('error', () => {})
  worker.unref()
}

/** Options of Node.js on which a connection depends and that each thread has of its own. A worker refuses options of the process. */
function networkOptions(): string[] {
  const given = [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv]
  return given.filter((option) =>
    /^--(tls-m(in|ax)-|use-system-ca$|dns-result-order=|(no-)?network-family-)/.test(option),
  )
}
