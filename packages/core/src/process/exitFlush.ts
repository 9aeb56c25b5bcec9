import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { warnOnce } from '@logbridge/bridge/internal'
import { describeWait, shownEndpoint, type Unsent, withReceiver } from './longWait.ts'
import { now } from './monotonic.ts'

/** The script of `transport/exitFlush/worker.ts`, which `tsup.config.ts` puts in place of this name. */
declare const EXIT_WORKER_SOURCE: string

/** Time that all exit flushes of a process together may block the process, in milliseconds. */
const EXIT_FLUSH_MILLIS = 2000
/** Time for reading the last answers after the worker has ended. */
const MARGIN_MILLIS = 100
const LONG_WAIT_MILLIS = 1000

/** Outcome of a request as the worker posts it. The transport defines the kinds. */
export interface ExitOutcome {
  readonly kind: string
  readonly reason?: string | undefined
}

/** Receiver of the requests of one signal, as plain data for the worker. */
export interface ExitReceiver {
  readonly url: string
}

/** Encoded request that has not been delivered. */
export interface UnsentRequest {
  readonly bytes: Uint8Array
  /** Number of log records, spans, or metrics in the request. */
  readonly recordCount: number
  /** Counts the outcome. A `retryable` outcome leaves the request unsent. */
  complete(outcome: ExitOutcome): void
}

/** Sends requests from a worker while the thread is blocked. */
export interface WorkerRoute {
  /** Requests early what `target` needs and cannot wait for. */
  prepare(): void
  /** @throws Error with a message that contains no secret */
  target(): ExitReceiver
}

/** Writes requests in the thread itself, to a file or to stdout. */
export interface SyncRoute {
  /**
   * Writes one request. Never throws.
   * @param endsAt end of the wait for a reader, in milliseconds of `now()`
   */
  sendSync(request: Uint8Array, endsAt: number): ExitOutcome
}

/** Way of requests while their thread is blocked. */
export type ExitRoute = WorkerRoute | SyncRoute

/** Signal that can be flushed while its thread is blocked. */
export interface ExitSource {
  readonly unit: Unsent['unit']
  readonly route: ExitRoute
  /** Returns the unsent requests, including those in flight, oldest first. */
  unsent(): readonly UnsentRequest[]
}

/** The `workerData` of the worker. */
export interface ExitWork<Target extends ExitReceiver = ExitReceiver> {
  readonly jobs: readonly ExitJob<Target>[]
  /** Time at which the last outcome is due, in milliseconds of `now()`. */
  readonly endsAt: number
  /** Receives one `ExitAnswer` for each request. */
  readonly port: MessagePort
  /** Number of answers posted so far, in one cell of shared memory. */
  readonly answered: Int32Array
}

/** Requests for one receiver, oldest first. */
export interface ExitJob<Target extends ExitReceiver = ExitReceiver> {
  readonly target: Target
  readonly requests: readonly ArrayBuffer[]
}

/** Message of the worker about one request. */
export interface ExitAnswer<Outcome extends ExitOutcome = ExitOutcome> {
  /** Index of the request among the requests of all jobs. */
  readonly request: number
  readonly outcome: Outcome
}

/** Deadline that an ESM and a CommonJS copy of this module share when one process loads both. */
const KEY = Symbol.for('logbridge.exitFlush.1')
const shared = globalThis as { [KEY]?: { endsAt: number | undefined } }
const state = (shared[KEY] ??= { endsAt: undefined })

/** Unsent requests of one signal. */
interface Part {
  readonly unit: Unsent['unit']
  readonly target: ExitReceiver
  readonly unsent: readonly UnsentRequest[]
}

/**
 * Sends the unsent requests while this thread is blocked. A process that emits `exit` runs no event loop any more, but a
 * worker thread that is started then runs one. Requests in flight are sent again, because this thread can no longer read
 * their answers. Returns when each request has an outcome or the time is up. Never throws.
 *
 * @param timeoutMillis capped at the time that the exit flushes of this process have left
 * @returns the reason of the last `retryable` outcome
 */
export function flushAtExit(
  sources: readonly ExitSource[],
  timeoutMillis: number = EXIT_FLUSH_MILLIS,
): string | undefined {
  try {
    state.endsAt ??= now() + EXIT_FLUSH_MILLIS
    const endsAt = Math.min(state.endsAt, now() + timeoutMillis)
    if (endsAt - now() <= MARGIN_MILLIS) return undefined
    let reason: string | undefined
    const parts: Part[] = []
    for (const source of sources) {
      if ('sendSync' in source.route) reason = writeSync(source, source.route, endsAt) ?? reason
      else parts.push(...partOf(source, source.route))
    }
    return parts.length === 0 ? reason : (sendBlocking(parts, endsAt) ?? reason)
  } catch (error) {
    warnFailed(error)
    return undefined
  }
}

/** @returns the reason of a `retryable` outcome, after which no further request is written */
function writeSync({ unsent }: ExitSource, { sendSync }: SyncRoute, endsAt: number): string | undefined {
  try {
    for (const { bytes, complete } of unsent()) {
      const outcome = sendSync(bytes, endsAt)
      complete(outcome)
      if (outcome.kind === 'retryable') return outcome.reason
    }
  } catch (error) {
    warnFailed(error)
  }
  return undefined
}

function partOf(source: ExitSource, route: WorkerRoute): Part[] {
  try {
    const unsent = source.unsent()
    return unsent.length === 0 ? [] : [{ unit: source.unit, target: route.target(), unsent }]
  } catch (error) {
    warnFailed(error)
    return []
  }
}

function warnFailed(error: unknown): void {
  warnOnce('exit-flush', 'flushing at exit failed, unsent telemetry is lost', error)
}

function sendBlocking(parts: readonly Part[], endsAt: number): string | undefined {
  const { port1, port2 } = new MessageChannel()
  const answered = new Int32Array(new SharedArrayBuffer(4))
  const jobs = parts.map(({ target, unsent }) => ({
    target,
    requests: unsent.map(({ bytes }) => new Uint8Array(bytes).buffer),
  }))
  startWorker({ jobs, endsAt: endsAt - MARGIN_MILLIS, port: port2, answered })

  const unsent = parts.flatMap((part) => part.unsent.map((request) => ({ ...part.target, request })))
  let reason: string | undefined
  let unanswered = unsent.length
  function readAnswers(): void {
    for (;;) {
      const received = receiveMessageOnPort(port1)
      if (received === undefined) return
      const { request: index, outcome } = received.message as ExitAnswer
      const { request, url } = unsent[index]!
      unanswered -= 1
      if (outcome.kind === 'retryable') reason = outcome.reason
      request.complete(withReceiver(outcome, url))
    }
  }

  const start = now()
  for (let isNoted = false; ;) {
    const seen = Atomics.load(answered, 0)
    readAnswers()
    const time = now()
    if (unanswered === 0 || time >= endsAt) return reason
    if (!isNoted && time - start >= LONG_WAIT_MILLIS) {
      isNoted = true
      noteLongWait(parts, endsAt - start)
    }
    const until = isNoted ? endsAt : Math.min(endsAt, start + LONG_WAIT_MILLIS)
    Atomics.wait(answered, 0, seen, Math.max(1, until - time))
  }
}

function noteLongWait(parts: readonly Part[], timeoutMillis: number): void {
  const unsent = parts.map(({ unit, target, unsent }) => ({
    unit,
    endpoint: shownEndpoint(target.url),
    count: unsent.reduce((sum, { recordCount }) => sum + recordCount, 0),
  }))
  warnOnce('long-wait exit', `still waiting for ${describeWait(unsent, timeoutMillis)}`)
}

function startWorker(workerData: ExitWork): void {
  const worker = new Worker(EXIT_WORKER_SOURCE, {
    eval: true,
    name: 'logbridge exit flush',
    workerData,
    transferList: [workerData.port, ...workerData.jobs.flatMap(({ requests }) => requests)],
    // Leave out the preloads of the application, because loading them takes the time of the flush.
    execArgv: networkOptions(),
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // An error reaches this listener only when the process lives on.
  worker.on('error', () => {})
  worker.unref()
}

/** Returns the options of Node.js that connections depend on and that each thread has. A worker refuses process-wide options. */
function networkOptions(): string[] {
  const given = [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv]
  return given.filter((option) =>
    /^--(tls-m(in|ax)-|use-system-ca$|dns-result-order=|(no-)?network-family-)/.test(option),
  )
}
