import { setTimeout as delay } from 'node:timers/promises'
import type { Encoding, Signal } from '../decode.ts'

const PATHS: Readonly<Record<Signal, string>> = {
  logs: 'v1/logs',
  traces: 'v1/traces',
  metrics: 'v1/metrics',
}
const TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
}
const TRIES = 3
const BACKOFF_MILLIS = 1000
const TIMEOUT_MILLIS = 10_000
/** Largest size of the requests that wait. */
const MAX_WAITING_BYTES = 32 * 2 ** 20

/** Sends requests on to another OTLP/HTTP endpoint, one after the other, with the bytes as they came. */
export interface Forwarder {
  readonly counts: { url: string; sent: number; failed: number; lastError: string }
  forward(signal: Signal, encoding: Encoding, bytes: Uint8Array): void
  /** Waits for the requests that wait, at most the given milliseconds. */
  close(millis: number): Promise<void>
}

/**
 * Creates a forwarder. A request that failed three times counts as failed, as does one that finds too many others waiting.
 *
 * @param url base URL, such as `http://collector:4318`
 */
export function createForwarder(url: string): Forwarder {
  const base = url.endsWith('/') ? url : `${url}/`
  const counts = { url: withoutCredentials(url), sent: 0, failed: 0, lastError: '' }
  const stopped = new AbortController()
  let waitingBytes = 0
  let waiting = 0
  let last = Promise.resolve()

  async function send(signal: Signal, encoding: Encoding, body: Uint8Array<ArrayBuffer>): Promise<void> {
    for (let attempt = 1; attempt <= TRIES && !stopped.signal.aborted; attempt += 1) {
      if (attempt > 1)
        await delay(BACKOFF_MILLIS * (attempt - 1), undefined, { signal: stopped.signal }).catch(() => {})
      try {
        const { ok, status } = await fetch(new URL(PATHS[signal], base), {
          method: 'POST',
          headers: { 'content-type': TYPES[encoding] },
          body,
          signal: AbortSignal.any([stopped.signal, AbortSignal.timeout(TIMEOUT_MILLIS)]),
        })
        if (ok) {
          counts.sent += 1
          return
        }
        counts.lastError = `HTTP ${status}`
      } catch (error) {
        if (stopped.signal.aborted) break
        const { cause, message } = error as Error
        counts.lastError = cause instanceof Error ? cause.message : message
      }
    }
    counts.failed += 1
  }

  return {
    counts,
    forward(signal, encoding, bytes) {
      if (waitingBytes + bytes.length > MAX_WAITING_BYTES) {
        counts.failed += 1
        counts.lastError = 'too many requests wait'
        return
      }
      // The caller hands its bytes to a thread.
      const body = new Uint8Array(bytes)
      waitingBytes += body.length
      waiting += 1
      last = last
        .then(() => send(signal, encoding, body))
        .finally(() => {
          waitingBytes -= body.length
          waiting -= 1
        })
    },
    async close(millis) {
      await Promise.race([last, delay(millis)])
      if (waiting > 0 && counts.lastError === '') counts.lastError = 'no answer'
      stopped.abort()
      // The requests that wait now count as failed.
      await last
    },
  }
}

function withoutCredentials(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  return url.href
}
