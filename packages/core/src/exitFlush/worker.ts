import { setTimeout as delay } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import type { ExportOutcome } from '../transport/transport.ts'
import { createGrpcSend } from './sendByGrpc.ts'
import { now } from './monotonic.ts'
import { createHttpSend } from './sendByHttp.ts'
import type { ExitAnswer, ExitJob, ExitWork, SendOnce } from './types.ts'

// The worker thread of `flushAtExit`: sends requests while the thread that has started it is blocked. `tsup.config.ts` bundles
// this file and embeds it in the package as text. It imports nothing but Node's own modules and files that do the same.

const MAX_CONCURRENT_EXPORTS = 4
const INITIAL_BACKOFF_MILLIS = 50
const MAX_BACKOFF_MILLIS = 400

const { jobs, endsAt, port, answered } = workerData as ExitWork
const left = (): number => endsAt - now()

function post(answer: ExitAnswer): void {
  port.postMessage(answer)
  Atomics.add(answered, 0, 1)
  Atomics.notify(answered, 0)
}

/** Sends a request again as long as its outcome is `retryable` and there is time. */
async function deliver(send: SendOnce, request: Uint8Array, timeoutMillis: number): Promise<ExportOutcome> {
  for (let backoff = INITIAL_BACKOFF_MILLIS; ; backoff = Math.min(2 * backoff, MAX_BACKOFF_MILLIS)) {
    const attempt = AbortSignal.timeout(Math.max(1, Math.floor(Math.min(timeoutMillis, left()))))
    const outcome = await send(request, attempt)
    if (outcome.kind !== 'retryable') return outcome
    const pause = Math.max(backoff, outcome.afterMillis ?? 0)
    if (pause >= left()) return outcome
    await delay(pause)
  }
}

/** @param first index of its first request among those of all jobs */
function run({ target, requests }: ExitJob, first: number): void {
  const send = target.protocol === 'grpc' ? createGrpcSend(target) : createHttpSend(target)
  const waiting = requests.entries()

  async function sendWaiting(): Promise<void> {
    for (const [index, bytes] of waiting) {
      const outcome = await deliver(send, new Uint8Array(bytes), target.timeoutMillis).catch(
        (error: unknown): ExportOutcome => ({ kind: 'retryable', reason: String(error) }),
      )
      post({ request: first + index, outcome })
    }
  }

  for (let sender = 0; sender < MAX_CONCURRENT_EXPORTS; sender += 1) void sendWaiting()
}

let requestCount = 0
for (const job of jobs) {
  run(job, requestCount)
  requestCount += job.requests.length
}
