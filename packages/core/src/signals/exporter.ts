import { counted, warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import type { ISerializer } from '@opentelemetry/otlp-transformer'
import { type DestinationConfig, shownDestination } from '../config/file.ts'
import { withDeadline } from '../transport/deadline.ts'
import { createTransport } from '../transport/createTransport.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExportOutcome } from '../transport/transport.ts'
import type { ExitSource } from '../process/exitFlush.ts'
import { countExportTimer } from '../process/heldEnd.ts'
import type { Unsent } from '../process/longWait.ts'

/** Time after `abandon` in which exports fail at once, because the SDK starts its next batch immediately. In milliseconds. */
const ABANDON_MILLIS = 100

/** Words of messages. A receiver counts the data points of metrics, and this exporter their batches. */
const WORDS = {
  traces: { items: 'spans', unit: 'span', rejected: 'span' },
  metrics: { items: 'metrics', unit: 'batch of metrics', rejected: 'data point' },
} as const

/** An exporter of the official SDK. */
export interface OtlpExporter<Items> {
  export(items: Items, resultCallback: (result: ExportResult) => void): void
  /** Ends backoffs. Resolves when the exports in progress have ended. */
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
  /** Aborts the exports in progress and the exports that the SDK starts right after. */
  abandon(): void
  /** Aborts the exports in progress and ends the exporter. */
  close(): Promise<void>
  /** Returns the items of exports in progress. */
  unsent(): Unsent
  /**
   * Returns the items that the end of the process or of the provider loses, and that no line has named.
   *
   * @param buffered number of items that the SDK has not passed on
   */
  lost(buffered?: number): Unsent
  /** Returns the number of items that the SDK has passed on. */
  taken(): number
  /** @param flush makes the SDK export its buffered items, before `flush` returns */
  exitSource(flush: () => void): ExitSource
}

/**
 * Creates an exporter of spans or metrics with the transport of logs: the same endpoint, headers of a function, TLS, retries, and
 * suppressed telemetry. The official SDK serializes the items. The official exporters read the variables again by other rules,
 * accept no asynchronous headers over gRPC, and do not resolve `dns:///`.
 */
export function createOtlpExporter<Items>(
  signal: 'traces' | 'metrics',
  config: { readonly exporter: DestinationConfig; readonly exportTimeoutMillis: number },
  serializer: ISerializer<Items, unknown>,
): OtlpExporter<Items> {
  const { unit, ...words } = WORDS[signal]
  const endpoint = shownDestination(config.exporter)
  const transport = createTransport(config, signal, unsent)
  const { receiver } = transport
  const pending = new Set<Promise<void>>()
  /** Items of exports in progress, and items for the exit flush. */
  const unsentItems = new Set<Items>()
  /** Number of items that were lost at the end, and of unsent items that a line has named. */
  let lostCount = 0
  let announcedCount = 0
  let takenCount = 0
  let isExiting = false
  let attempts = new AbortController()
  let isAbandoned = false
  let isClosed = false

  async function send(items: Items): Promise<ExportResult> {
    const request = serializer.serializeRequest(items)
    if (request === undefined) return failed(items, `${words.items} cannot be encoded`)
    const outcome = await withDeadline(config.exportTimeoutMillis, attempts.signal, (attempt) =>
      transport.send(request, attempt),
    )
    return resultOf(items, outcome)
  }

  function resultOf(items: Items, outcome: ExportOutcome): ExportResult {
    if (outcome.kind !== 'delivered') return failed(items, outcome.reason)
    announcedCount = 0
    rearm(`export-${signal}`)
    if (outcome.rejected > 0 || outcome.message) {
      warnOnce(
        `partial-success-${signal}`,
        `the receiver rejected ${counted(outcome.rejected, words.rejected)}`,
        outcome.message || undefined,
      )
    } else rearm(`partial-success-${signal}`)
    return { code: ExportResultCode.SUCCESS }
  }

  function failed(items: Items, error: unknown): ExportResult {
    // The end of the process or of the provider reports all that it loses in one line.
    if (isAbandoned || isClosed) lostCount += countOf(items)
    else if (!isExplained()) {
      warnOnce(
        `export-${signal}`,
        `export failed, ${words.items} dropped (logged once until an export succeeds)`,
        error,
      )
    }
    return { code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) }
  }

  /** Tells if the line about an outage says enough. Metrics that are exported after the outage cover its time. */
  function isExplained(): boolean {
    return signal === 'metrics' ? receiver.isOutageReported : receiver.isLossReported
  }

  function unsent(): Unsent {
    const count = sumOf(unsentItems)
    return {
      count,
      unit,
      endpoint,
      announceLoss() {
        announcedCount = count
      },
    }
  }

  function lost(buffered = 0): Unsent {
    const count = lostCount + sumOf(unsentItems) + buffered
    // The line about the outage names no metrics that are collected after it.
    const isNamed = count === announcedCount || (signal === 'metrics' && receiver.isLossReported)
    return { count: isNamed ? 0 : count, unit, endpoint }
  }

  async function forceFlush(): Promise<void> {
    if (!isClosed) transport.resetBackoff()
    await Promise.all(pending)
  }

  function abandon(): void {
    transport.abandon()
    if (pending.size === 0) return
    attempts.abort()
    attempts = new AbortController()
    isAbandoned = true
    unref(
      timers.setTimeout(() => {
        isAbandoned = false
      }, ABANDON_MILLIS),
    )
  }

  function completeExit(items: Items, outcome: ExportOutcome): void {
    if (outcome.kind === 'retryable') return
    unsentItems.delete(items)
    resultOf(items, outcome)
  }

  async function close(): Promise<void> {
    isClosed = true
    attempts.abort()
    await Promise.all(pending)
    transport.close()
  }

  return {
    export(items, resultCallback) {
      takenCount += countOf(items)
      if (isClosed) return resultCallback(failed(items, 'the exporter has been shut down'))
      if (isAbandoned && !isExiting) return resultCallback(failed(items, 'the process is ending'))
      unsentItems.add(items)
      if (isExiting) return
      const endTimerCount = countExportTimer()
      const sending = withSuppressedTelemetry(() => send(items))
        .catch((error: unknown) => failed(items, error))
        .then(resultCallback)
        .finally(() => {
          endTimerCount()
          pending.delete(sending)
          unsentItems.delete(items)
        })
      pending.add(sending)
    },
    forceFlush,
    abandon,
    async shutdown() {
      await forceFlush()
      await close()
    },
    close,
    unsent,
    lost,
    taken: () => takenCount,
    exitSource: (flush) => ({
      unit,
      route: transport.exitRoute,
      unsent() {
        isExiting = true
        flush()
        return [...unsentItems].flatMap((items) => {
          const request = serializer.serializeRequest(items)
          return request === undefined
            ? []
            : [{ bytes: request, recordCount: countOf(items), complete: completeExit.bind(undefined, items) }]
        })
      },
    }),
  }
}

/** Counts spans; a batch of metrics is 1. */
function countOf(items: unknown): number {
  return Array.isArray(items) ? items.length : 1
}

function sumOf(batches: ReadonlySet<unknown>): number {
  let sum = 0
  for (const items of batches) sum += countOf(items)
  return sum
}

/**
 * Suppresses telemetry that an exporter causes.
 * @returns the exporter, changed in place
 */
export function suppressExporter<Exporter extends { export(items: any, resultCallback: any): void }>(
  exporter: Exporter,
): Exporter {
  const send = exporter.export.bind(exporter)
  exporter.export = (items, resultCallback) => withSuppressedTelemetry(() => send(items, resultCallback))
  return exporter
}
