import { setTimeout as delay } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import type { ExitAnswer, ExitJob, ExitWork } from '../../process/exitFlush.ts'
import { now } from '../../process/monotonic.ts'
import type { ExportOutcome } from '../transport.ts'
import { createGrpcSend } from './sendByGrpc.ts'
import { createHttpSend } from './sendByHttp.ts'
import type { ExitTarget, SendOnce } from './types.ts'

// Worker thread of `flushAtExit`. Sends requests while the thread that has started the worker is blocked. `tsup.config.ts`
// bundles this file and embeds the bundle in the package as text. The file imports only modules of Node.js and files that do
// the same.

const MAX_CONCURRENT_EXPORTS = 4
const INITIAL_BACKOFF_MILLIS = 50
const MAX_BACKOFF_MILLIS = 400

const { jobs, endsAt, port, answered } = workerData as ExitWork<ExitTarget>
const remainingMillis = (): number => endsAt - now()

function post(answer: ExitAnswer<ExportOutcome>): void {
  port.postMessage(answer)
  Atomics.add(answered, 0, 1)
  Atomics.notify(answered, 0)
}

/** Retries a request while its outcome is `retryable` and time remains. */
async function deliver(send: SendOnce, request: Uint8Array, timeoutMillis: number): Promise<ExportOutcome> {
  for (let backoff = INITIAL_BACKOFF_MILLIS; ; backoff = Math.min(2 * backoff, MAX_BACKOFF_MILLIS)) {
    const attempt = AbortSignal.timeout(Math.max(1, Math.floor(Math.min(timeoutMillis, remainingMillis()))))
    const outcome = await send(request, attempt)
    if (outcome.kind !== 'retryable') return outcome
    const delayMillis = Math.max(backoff, outcome.retryAfterMillis ?? 0)
    if (delayMillis >= remainingMillis()) return outcome
    await delay(delayMillis)
  }
}

/** @param first index of the job's first request among the requests of all jobs */
function run({ target, requests }: ExitJob<ExitTarget>, first: number): void {
  const send = target.protocol === 'grpc' ? createGrpcSend(target) : createHttpSend(target)
  const unsent = requests.entries()

  async function sendUnsent(): Promise<void> {
    for (const [index, bytes] of unsent) {
      const outcome = await deliver(send, new Uint8Array(bytes), target.timeoutMillis).catch(
        (error: unknown): ExportOutcome => ({ kind: 'retryable', reason: String(error) }),
      )
      post({ request: first + index, outcome })
    }
  }

  for (let sender = 0; sender < MAX_CONCURRENT_EXPORTS; sender += 1) void sendUnsent()
}

let requestCount = 0
for (const job of jobs) {
  run(job, requestCount)
  requestCount += job.requests.length
}
