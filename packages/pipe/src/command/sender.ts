import type { Bridge } from '@logbridge/bridge'
import {
  createLoggerProvider,
  type LogbridgeLoggerProvider,
  type LoggerProviderOptions,
} from '@logbridge/core'
import { setTimeout as delay } from 'node:timers/promises'
import { createLineBridge, type LineBridgeOptions } from '../adapter.ts'
import type { LineReader } from '../reader.ts'
import type { Fields, OtlpLine, ParsedLine, ParsedRecord } from '../types.ts'
import { printMessage } from './messages.ts'
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
  private readonly provider: LogbridgeLoggerProvider
  private readonly maxQueueBytes: number
  private readonly bridgeOptions: LineBridgeOptions
  private readonly bridge: Bridge<ParsedRecord>
  private readonly skipped = new Set<OtlpLine['signal']>()
  /** Bridges by their resource and scope as JSON. */
  private readonly bridges = new Map<string, Bridge<ParsedRecord>>()

  /** @throws LogbridgeError `INVALID_OPTION` */
  constructor(delivery: LoggerProviderOptions, bridgeOptions: LineBridgeOptions) {
    const { maxQueueBytes = MAX_QUEUE_BYTES } = delivery
    this.maxQueueBytes = maxQueueBytes
    this.provider = createLoggerProvider({
      ...delivery,
      maxQueueBytes: Math.max(CAPACITY_BYTES, 4 * maxQueueBytes),
      // Records are never dropped, so a variable of the environment must not bound their number.
      maxQueueSize: Number.MAX_SAFE_INTEGER,
      register: false,
      captureUncaughtExceptions: false,
    })
    this.bridgeOptions = bridgeOptions
    this.bridge = createLineBridge({ ...bridgeOptions, loggerProvider: this.provider })
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
    return this.provider.acknowledged()
  }

  /** Number of records that are neither sent nor stored. */
  get unsent(): number {
    const { queued, inFlight, spooled } = this.provider.stats()
    return queued + inFlight - spooled
  }

  /** @param timeoutMillis default: `exportTimeoutMillis` */
  flush(timeoutMillis?: number): Promise<void> {
    return this.provider.forceFlush(timeoutMillis)
  }

  shutdown(timeoutMillis: number): Promise<void> {
    return this.provider.shutdown(timeoutMillis)
  }

  private isFull(): boolean {
    return this.provider.stats().bytes >= this.maxQueueBytes
  }

  /** Sends the records of a line of OTLP, with the resource and the scope that the line names. */
  private emitRequest(line: OtlpLine): void {
    if (line.signal !== 'logs') return this.skip(line.signal)
    for (const { record, scope } of recordsOfRequest(line.json))
      this.bridgeOf(record.resource, scope).emit(record)
  }

  private skip(signal: OtlpLine['signal']): void {
    if (this.skipped.has(signal)) return
    this.skipped.add(signal)
    printMessage(`lines of OTLP with ${signal} are not sent; lines with logs are`)
  }

  private bridgeOf(resource: Fields = {}, scope?: ScopeDetails): Bridge<ParsedRecord> {
    const key = JSON.stringify([resource, scope], (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    let bridge = this.bridges.get(key)
    if (bridge === undefined) {
      if (this.bridges.size >= MAX_RESOURCES) this.bridges.clear()
      const loggerProvider = this.provider.forResource(resource)
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
