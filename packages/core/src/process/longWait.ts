import { noteLongWait } from '@logbridge/bridge/internal'
import { MAX_TIMER_MILLIS } from './timers.ts'

/** Plurals of the units of unsent telemetry. */
const PLURALS = {
  'log record': 'log records',
  span: 'spans',
  metric: 'metrics',
  'batch of metrics': 'batches of metrics',
} as const

/** Unsent telemetry of one signal. */
export interface Unsent {
  readonly count: number
  /** Word for one of `count`. */
  readonly unit: keyof typeof PLURALS
  /** Endpoint without secrets, of `shownEndpoint`. */
  readonly endpoint: string
  /** Called when a line has said that `count` is dropped at the end of the wait. Absent where nothing would be dropped. */
  announceLoss?(): void
}

/** Wait at the end of a provider or the process. */
interface Wait {
  unsent(): readonly (Unsent | undefined)[]
  readonly timeoutMillis: number
  /** Ends the report of the wait after one second. */
  endNote(): void
}

const waits = new Set<Wait>()

/** Describes the log records that are neither delivered nor dropped. */
export function unsentRecords(
  { queued, inFlight }: { readonly queued: number; readonly inFlight: number },
  endpoint: string,
  unit: Unsent['unit'] = 'log record',
): Unsent {
  return { count: queued + inFlight, unit, endpoint }
}

/**
 * Describes what a wait at the end of a provider or the process drops unless the endpoint accepts exports in time: `dropping 1 log record unless
 * an export succeeds within 3 s`. Such a wait is not reported again after its first second.
 *
 * @returns `undefined` when nothing would be dropped
 */
export function announceLoss(endpoint: string): string | undefined {
  for (const { unsent, timeoutMillis, endNote } of waits) {
    const parts = unsent().filter(isUnsent)
    const lost = parts.filter((part) => part.endpoint === endpoint && part.announceLoss)
    if (lost.length === 0 || timeoutMillis >= MAX_TIMER_MILLIS) continue
    if (lost.length === parts.length) endNote()
    for (const part of lost) part.announceLoss?.()
    return `dropping ${describeUnsent(lost)} unless an export succeeds within ${shownSeconds(timeoutMillis)}`
  }
  return undefined
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
  const endNote = noteLongWait(() => describeWait(unsent(), timeoutMillis))
  const ending: Wait = { unsent, timeoutMillis, endNote }
  waits.add(ending)
  try {
    return await wait
  } finally {
    waits.delete(ending)
    endNote()
  }
}

/** Formats `12 log records and 3 spans to be sent to http://localhost:4317, at most 3 s`. */
export function describeWait(unsent: readonly (Unsent | undefined)[], timeoutMillis: number): string {
  const byEndpoint = Map.groupBy(unsent.filter(isUnsent), ({ endpoint }) => endpoint)
  const parts = [...byEndpoint].map(
    ([endpoint, parts]) => `${describeUnsent(parts)} to be sent to ${endpoint}`,
  )
  const what = parts.length > 0 ? listOf(parts) : 'processors and readers of the application'
  return timeoutMillis >= MAX_TIMER_MILLIS ? what : `${what}, at most ${shownSeconds(timeoutMillis)}`
}

/** Formats `12 log records and 3 spans`; an empty text when nothing is unsent. */
export function describeUnsent(unsent: readonly Unsent[]): string {
  const byUnit = Map.groupBy(unsent, ({ unit }) => unit)
  const texts = [...byUnit].map(([unit, parts]) => {
    const count = parts.reduce((sum, part) => sum + part.count, 0)
    return count === 0 ? '' : `${count} ${count === 1 ? unit : PLURALS[unit]}`
  })
  return listOf(texts.filter((text) => text !== ''))
}

function isUnsent(part: Unsent | undefined): part is Unsent {
  return part !== undefined && part.count > 0
}

/** Formats `3 s`, from two minutes on `4 min`. */
export function shownSeconds(millis: number): string {
  return millis < 120_000 ? `${Math.round(millis / 100) / 10} s` : `${Math.round(millis / 60_000)} min`
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

const HEADERS = 'set the option headers or OTEL_EXPORTER_OTLP_HEADERS'
const ENDPOINT = 'set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT'
/** Settings to look at after a refusal, by the status of HTTP or gRPC. */
const ADVICE: Readonly<Record<number, string>> = {
  401: HEADERS,
  403: HEADERS,
  404: ENDPOINT,
  405: ENDPOINT,
  7: HEADERS,
  12: ENDPOINT,
  16: HEADERS,
}

/** Outcome of a request, in the fields that `withReceiver` reads. */
interface Outcome {
  readonly kind: string
  readonly reason?: string | undefined
  readonly advice?: string | undefined
  readonly status?: number | undefined
  readonly rejected?: number
  readonly message?: string | undefined
}

/**
 * Adds the receiver to the reason of a refusal: `HTTP 401 (from http://c:4318/v1/logs; set the option headers or …)`. Adds the advice of
 * an outcome to the reason of any other failure.
 */
export function withReceiver<Given extends Outcome>(outcome: Given, url: string): Given {
  const { rejected, message } = outcome
  if (rejected || message)
    return { ...outcome, message: `${message ? `${message} ` : ''}(from ${shownUrl(url)})` }
  if (outcome.advice) return { ...outcome, reason: `${outcome.reason} (${outcome.advice})` }
  if (outcome.kind !== 'failed' && outcome.kind !== 'too_large') return outcome
  const advice = ADVICE[outcome.status ?? 0]
  const receiver = `from ${shownUrl(url)}${advice ? `; ${advice}` : ''}`
  return { ...outcome, reason: `${outcome.reason} (${receiver})` }
}

/** Shows the path of a signal after `shownEndpoint`, and `/…` for what may be a secret. */
function shownUrl(url: string): string {
  const path = /^https?:\/\/[^/]*([^?#]*)/i.exec(url)?.[1] ?? ''
  const [signalPath = ''] = /\/v1\/(logs|traces|metrics)$/.exec(path) ?? []
  const hidden = path.slice(0, path.length - signalPath.length)
  return `${shownEndpoint(url)}${hidden === '' || hidden === '/' ? '' : '/…'}${signalPath}`
}
