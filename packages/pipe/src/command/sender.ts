import type { Bridge } from '@logbridge/bridge'
import {
  createForwarder,
  type Forwarder,
  LogbridgeError,
  type LoggerProviderOptions,
  type LogsStats,
} from '@logbridge/core'
import { setTimeout as delay } from 'node:timers/promises'
import { createLineBridge, type LineBridgeOptions } from '../adapter.ts'
import { SIGNALS } from '../parse.ts'
import type { LineReader } from '../reader.ts'
import type { Fields, OtlpLine, ParsedLine, ParsedRecord } from '../types.ts'
import { printMessage, printOnce } from './messages.ts'
import { recordsOfRequest, type ScopeDetails } from './otlpLogs.ts'

/** Default of `--max-queue-bytes`: reading stops when the queue has these many bytes. */
export const MAX_QUEUE_BYTES: number = 8 * 1024 * 1024
/** Size of the queue beyond which core drops records. It leaves room for the records of one read. */
const CAPACITY_BYTES = 64 * 1024 * 1024
/** Bytes that are read between two looks at the queue. A text of one character becomes a record of about 100 bytes. */
const SLICE_BYTES = 64 * 1024
/** Time between two looks at a full queue. */
const ROOM_MILLIS = 20
/** Number of bridges that are kept, one for each resource and scope of the lines. */
const MAX_RESOURCES = 1000

/** Sends records, and holds back their sources while the queue is full. */
export class Sender {
  private readonly forwarder: Forwarder
  private readonly maxQueueBytes: number
  private readonly bridgeOptions: LineBridgeOptions
  private readonly bridge: Bridge<ParsedRecord>
  /** True when an option changes or selects records, which then pass the bridge one by one. */
  private readonly changesRecords: boolean
  private readonly say = printOnce()
  private malformedLines = 0
  /** Bridges by their resource and scope as JSON. */
  private readonly bridges = new Map<string, Bridge<ParsedRecord>>()

  /** @throws LogbridgeError `INVALID_OPTION` */
  constructor(delivery: LoggerProviderOptions, bridgeOptions: LineBridgeOptions) {
    const { maxQueueBytes = MAX_QUEUE_BYTES } = delivery
    this.maxQueueBytes = maxQueueBytes
    this.forwarder = createForwarder({
      ...delivery,
      maxQueueBytes: Math.max(CAPACITY_BYTES, 4 * maxQueueBytes),
      // Records are never dropped, so a variable of the environment must not bound their number.
      maxQueueSize: Number.MAX_SAFE_INTEGER,
      register: false,
      captureUncaughtExceptions: false,
    })
    this.bridgeOptions = bridgeOptions
    const { minimumSeverity, limits, recordUid } = delivery
    this.changesRecords = [...Object.values(bridgeOptions), minimumSeverity, limits, recordUid].some(
      (option) => option !== undefined,
    )
    this.bridge = createLineBridge({ ...bridgeOptions, loggerProvider: this.forwarder.loggerProvider })
  }

  /** Sends a record. @param resource attributes of the resource of its source */
  emit(record: ParsedLine, resource?: Fields): void {
    if (record.format === 'otlp') return this.emitRequest(record)
    const own = record.resource
    if (own === undefined && resource === undefined) return this.bridge.emit(record)
    this.bridgeOf({ ...resource, ...own }).emit(record)
  }

  /** Gives bytes to a reader, in parts, each when the queue has room. Stops when the signal aborts. */
  async write(reader: Pick<LineReader, 'write'>, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
      while (this.isFull() && !signal.aborted) await delay(ROOM_MILLIS, undefined, { signal }).catch(() => {})
      reader.write(bytes.subarray(at, at + SLICE_BYTES))
    }
  }

  /** Waits until each record so far has its answer or is in the spool. See `LogbridgeLoggerProvider`. */
  acknowledged(): Promise<boolean> {
    return this.forwarder.acknowledged()
  }

  /** Number of records that are neither sent nor stored. */
  get unsent(): number {
    return this.sum(({ queued, inFlight, spooled }) => queued + inFlight - spooled)
  }

  /** Number of records, and of malformed lines, that no receiver has and no spool keeps. */
  get lost(): number {
    const { malformedLines } = this
    return (
      this.sum(({ rejected, dropped }) =>
        Object.values(dropped).reduce((sum, count) => sum + count, rejected),
      ) + malformedLines
    )
  }

  /** @param timeoutMillis default: `exportTimeoutMillis` */
  flush(timeoutMillis?: number): Promise<void> {
    return this.forwarder.forceFlush(timeoutMillis)
  }

  shutdown(timeoutMillis: number): Promise<void> {
    if (this.malformedLines > 1)
      printMessage(`${this.malformedLines} lines of OTLP were malformed, and not sent`)
    return this.forwarder.shutdown(timeoutMillis)
  }

  private isFull(): boolean {
    return this.sum(({ bytes }) => bytes) >= this.maxQueueBytes
  }

  /** Adds up a count of all signals. */
  private sum(countOf: (stats: LogsStats) => number): number {
    const { logs, traces, metrics } = this.forwarder.stats()
    return countOf(logs) + countOf(traces) + countOf(metrics)
  }

  /** Sends what a line of OTLP has of each signal. */
  private emitRequest({ request }: OtlpLine): void {
    for (const [signal, key] of SIGNALS) {
      if (!Array.isArray(request[key])) continue
      try {
        this.emitSignal(signal, request)
      } catch (error) {
        if (!(error instanceof LogbridgeError)) throw error
        this.malformedLines += 1
        this.say('malformed', `a line of OTLP with ${signal} is malformed, and not sent: ${error.message}`)
      }
    }
  }

  /**
   * Sends a request as it is, or its records one by one, where an option changes records.
   *
   * @throws LogbridgeError `MALFORMED_REQUEST`
   */
  private emitSignal(signal: OtlpLine['signal'], request: Fields): void {
    if (signal === 'logs' && this.changesRecords) return this.emitRecords(request)
    const isSent = this.forwarder.forward(signal, request)
    if (signal === 'logs') {
      // Records may go to the console instead.
      if (!isSent) this.emitRecords(request)
    } else if (!isSent) {
      this.say(
        `skipped ${signal}`,
        `${signal} of OTLP are not sent, because OTEL_${signal.toUpperCase()}_EXPORTER names no otlp, or the endpoint is invalid`,
      )
    } else if (this.changesRecords) {
      this.say(
        `unchanged ${signal}`,
        `${signal} of OTLP are sent unchanged: options such as --redact change log records alone`,
      )
    }
  }

  /**
   * Sends the log records of a request through the bridge, with the resource and the scope that the line names.
   *
   * @throws LogbridgeError `MALFORMED_REQUEST`
   */
  private emitRecords(request: Fields): void {
    this.forwarder.check('logs', request)
    for (const { record, scope } of recordsOfRequest(request))
      this.bridgeOf(record.resource, scope).emit(record)
  }

  private bridgeOf(resource: Fields = {}, scope?: ScopeDetails): Bridge<ParsedRecord> {
    const key = JSON.stringify([resource, scope], (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    let bridge = this.bridges.get(key)
    if (bridge === undefined) {
      if (this.bridges.size >= MAX_RESOURCES) this.bridges.clear()
      const loggerProvider = this.forwarder.loggerProvider.forResource(resource)
      bridge = createLineBridge({
        ...this.bridgeOptions,
        loggerProvider,
        scopeVersion: scope?.version,
        scopeSchemaUrl: scope?.schemaUrl,
        scopeAttributes: scope?.attributes as LineBridgeOptions['scopeAttributes'],
      })
      this.bridges.set(key, bridge)
    }
    return bridge
  }
}
