import { setTimeout as delay } from 'node:timers/promises'
import { workerData } from 'node:worker_threads'
import type { ExportOutcome } from '../delivery/transport.ts'
import { createGrpcSend } from './sendByGrpc.ts'
import { now } from './monotonic.ts'
import { createHttpSend } from './sendByHttp.ts'
import type { ExitAnswer, ExitWork, SendOnce } from './types.ts'

// The worker thread of `flushAtExit`: sends requests while the thread that has started it is blocked. `tsup.config.ts` bundles
// this file and embeds it in the package as text. It imports nothing but Node's own modules and files that do the same.

const MAX_CONCURRENT_EXPORTS = 4
const INITIAL_BACKOFF_MILLIS = 50
const MAX_BACKOFF_MILLIS = 400

const { target, requests, endsAt, port, answered } = workerData as ExitWork
const left = (): number => endsAt - now()
const send: SendOnce = target.protocol === 'grpc' ? createGrpcSend(target) : createHttpSend(target)
const waiting = requests.entries()

function post(answer: ExitAnswer): void {
  port.postMessage(answer)
  Atomics.add(answered, 0, 1)
  Atomics.notify(answered, 0)
}

/** Sends a request again as long as its outcome is `retryable` and there is time. */
async function deliver(request: Uint8Array): Promise<ExportOutcome> {
  for (let backoff = INITIAL_BACKOFF_MILLIS; ; backoff = Math.min(2 * backoff, MAX_BACKOFF_MILLIS)) {
    const attempt = AbortSignal.timeout(Math.max(1, Math.floor(Math.min(target.timeoutMillis, left()))))
    const outcome = await send(request, attempt)
    if (outcome.kind !== 'retryable') return outcome
    const pause = Math.max(backoff, outcome.afterMillis ?? 0)
    if (pause >= left()) return outcome
    await delay(pause)
  }
}

/** Sends what waits, one request after the other. */
async function sendWaiting(): Promise<void> {
  for (const [request, bytes] of waiting) {
    const outcome = await deliver(new Uint8Array(bytes)).catch((error: unknown): ExportOutcome => ({
      kind: 'retryable',
      reason: String(error),
    }))
    post({ request, outcome })
  }
}

for (let sender = 0; sender < MAX_CONCURRENT_EXPORTS; sender += 1) void sendWaiting()
