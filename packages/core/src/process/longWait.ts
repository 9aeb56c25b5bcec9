import { noteLongWait } from '@logbridge/bridge/internal'
import { MAX_TIMER_MILLIS } from './timers.ts'

const UNITS = {
  logs: ['log record', 'log records'],
  traces: ['batch of spans', 'batches of spans'],
  metrics: ['batch of metrics', 'batches of metrics'],
} as const

/** Unsent telemetry of one signal. */
export interface Unsent {
  readonly count: number
  readonly signal: keyof typeof UNITS
  /** Endpoint without secrets, of `shownEndpoint`. */
  readonly endpoint: string
}

/** Describes the log records that are neither delivered nor dropped. */
export function unsentRecords(
  { queued, inFlight }: { readonly queued: number; readonly inFlight: number },
  endpoint: string,
): Unsent {
  return { count: queued + inFlight, signal: 'logs', endpoint }
}

/**
 * Waits for a promise. After one second, reports in one line on stderr which telemetry is unsent.
 *
 * @param unsent called after that second
 */
export async function withLongWaitNoted<Value>(
  wait: Promise<Value>,
  unsent: () => readonly (Unsent | undefined)[],
  timeoutMillis: number,
): Promise<Value> {
  const end = noteLongWait(() => describeWait(unsent(), timeoutMillis))
  try {
    return await wait
  } finally {
    end()
  }
}

/** Formats `12 log records and 1 batch of spans to be sent to http://localhost:4317, at most 3 s`. */
export function describeWait(unsent: readonly (Unsent | undefined)[], timeoutMillis: number): string {
  const byEndpoint = new Map<string, string[]>()
  for (const part of unsent) {
    if (part === undefined || part.count === 0) continue
    const { endpoint } = part
    const unit = UNITS[part.signal][part.count === 1 ? 0 : 1]
    byEndpoint.set(endpoint, [...(byEndpoint.get(endpoint) ?? []), `${part.count} ${unit}`])
  }
  const parts = [...byEndpoint].map(([endpoint, texts]) => `${listOf(texts)} to be sent to ${endpoint}`)
  const what = parts.length > 0 ? listOf(parts) : 'processors and readers of the application'
  return timeoutMillis >= MAX_TIMER_MILLIS
    ? what
    : `${what}, at most ${Math.round(timeoutMillis / 100) / 10} s`
}

function listOf(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join() : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`
}

/** Removes credentials, path, and query from the URL of a receiver, because they may contain secrets. */
export function shownEndpoint(url: string): string {
  const [, scheme = '', rest = ''] = /^(https?:\/\/)?(.*)$/is.exec(url) ?? []
  const shown = scheme === '' ? rest.replace(/[?#].*$/s, '') : rest.replace(/[/?#].*$/s, '')
  return scheme + shown.slice(shown.lastIndexOf('@') + 1)
}
