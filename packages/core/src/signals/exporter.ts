import { warnOnce, rearm, timers, unref } from '@logbridge/bridge/internal'
import { type ExportResult, ExportResultCode } from '@opentelemetry/core'
import type { ISerializer } from '@opentelemetry/otlp-transformer'
import type { ExporterConfig } from '../config/exporter.ts'
import { withDeadline } from '../transport/deadline.ts'
import { createTransport } from '../transport/createTransport.ts'
import { withSuppressedTelemetry } from '../transport/suppressed.ts'
import type { ExportOutcome } from '../transport/transport.ts'
import type { ExitSource } from '../process/exitFlush.ts'
import { countResource } from '../process/heldEnd.ts'
import { shownEndpoint, type Unsent } from '../process/longWait.ts'

/** For so long after `abandon` exports fail at once: the SDK goes on with its next batch right away. */
const ABANDON_MILLIS = 100

/** An exporter of the official SDK. */
export interface OtlpExporter<Items> {
  export(items: Items, resultCallback: (result: ExportResult) => void): void
  /** Ends backoffs, and resolves when each export that has begun is over. */
  forceFlush(): Promise<void>
  shutdown(): Promise<void>
  /** Gives up what is in flight, and what the SDK would send right after it. */
  abandon(): void
  /** Gives up what is in flight, and ends. */
  close(): Promise<void>
  /** The exports under way. */
  unsent(): Unsent
  /** @param flush has the SDK export what it holds, before it returns */
  exitSource(flush: () => void): ExitSource
}

/**
 * Spans and metrics, serialized by the official SDK, on the same transport as logs: the same endpoint, headers that may
 * be asked for each request, TLS, retries and silence about itself. The official exporters read the variables again
 * by rules of their own, take no asynchronous headers over gRPC, and do not resolve `dns:///`.
 */
export function createOtlpExporter<Items>(
  signal: 'traces' | 'metrics',
  config: { readonly exporter: ExporterConfig; readonly exportTimeoutMillis: number },
  serializer: ISerializer<Items, unknown>,
): OtlpExporter<Items> {
  const what = signal === 'traces' ? 'spans' : 'metrics'
  const transport = createTransport(config, signal)
  const endpoint = shownEndpoint(config.exporter.url)
  const pending = new Set<Promise<void>>()
  /** What is exported in `pending`, and what is left to an exit flush. */
  const unsentItems = new Set<Items>()
  let exiting = false
  let attempts = new AbortController()
  let abandoned = false
  let closed = false

  async function send(items: Items): Promise<ExportResult> {
    const request = serializer.serializeRequest(items)
    if (request === undefined) return failed(`${what} could not be encoded`)
    const outcome = await withDeadline(config.exportTimeoutMillis, attempts.signal, (attempt) =>
      transport.send(request, attempt),
    )
    return resultOf(outcome)
  }

  function resultOf(outcome: ExportOutcome): ExportResult {
    if (outcome.kind !== 'delivered') return failed(outcome.reason)
    rearm(`export-${signal}`)
    if (outcome.rejected > 0 || outcome.message) {
      warnOnce(
        `partial-success-${signal}`,
        `the receiver refused ${outcome.rejected} ${what}`,
        outcome.message || undefined,
      )
    } else rearm(`partial-success-${signal}`)
    return { code: ExportResultCode.SUCCESS }
  }

  function failed(error: unknown): ExportResult {
    warnOnce(
      `export-${signal}`,
      `${what} could not be exported and are lost (said once until others are exported)`,
      error,
    )
    return { code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) }
  }

  async function forceFlush(): Promise<void> {
    if (!closed) transport.resetBackoff()
    await Promise.all(pending)
  }

  function abandon(): void {
    transport.abandon?.()
    if (pending.size === 0) return
    attempts.abort()
    attempts = new AbortController()
    abandoned = true
    unref(
      timers.setTimeout(() => {
        abandoned = false
      }, ABANDON_MILLIS),
    )
  }

  function completeExit(items: Items, outcome: ExportOutcome): void {
    if (outcome.kind !== 'retryable') unsentItems.delete(items)
    resultOf(outcome)
  }

  async function close(): Promise<void> {
    closed = true
    attempts.abort()
    await Promise.all(pending)
    transport.close()
  }

  return {
    export(items, resultCallback) {
      if (closed) return resultCallback(failed('the exporter has been shut down'))
      if (abandoned && !exiting) return resultCallback(failed('the process is ending'))
      unsentItems.add(items)
      if (exiting) return
      const ended = countResource('Timeout')
      const sending = withSuppressedTelemetry(() => send(items))
        .catch(failed)
        .then(resultCallback)
        .finally(() => {
          ended()
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
    unsent: () => ({ count: pending.size, signal, endpoint }),
    exitSource: (flush) => ({
      signal,
      prepare: transport.prepareExit,
      target: transport.exitTarget,
      unsent() {
        exiting = true
        flush()
        return [...unsentItems].flatMap((items) => {
          const request = serializer.serializeRequest(items)
          return request === undefined
            ? []
            : [{ bytes: request, recordCount: 1, complete: completeExit.bind(undefined, items) }]
        })
      },
    }),
  }
}

/** Has an exporter (to the console, say) work without causing log records of its own. Changes and returns it. */
export function suppressExporter<Exporter extends { export(items: any, resultCallback: any): void }>(
  exporter: Exporter,
): Exporter {
  const send = exporter.export.bind(exporter)
  exporter.export = (items, resultCallback) => withSuppressedTelemetry(() => send(items, resultCallback))
  return exporter
}
