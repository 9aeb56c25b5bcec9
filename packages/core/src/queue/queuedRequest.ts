import type { ExportOutcome } from '../transport/transport.ts'
import type { SpoolEntry } from '../spool/types.ts'
import type { Batch } from '../otlp/openBatch.ts'
import type { FifoItem } from './fifo.ts'
import { encodeRequest, splitRequest } from '../otlp/logsRequest.ts'

/** A request, or what is left of one that was too large. */
export interface EncodedRequest {
  readonly bytes: Uint8Array
  readonly recordCount: number
}

/** A sealed batch on its way: in memory, in the spool, or both. */
export interface QueuedRequest extends FifoItem {
  /** Counts queuedRequests from 1. */
  readonly sequence: number
  /** Records in it whose fate is not known. */
  count: number
  /** Bytes of memory that it holds. */
  bytes: number
  /** Until the resource is complete. */
  batch: Batch | undefined
  /** What is to be sent, in this order: one request, unless that was too large. */
  parts: readonly EncodedRequest[] | undefined
  /** Whether it was stored before the scheduled delay was over: it is sent from memory soon. */
  readonly isDelayed: boolean
  /** Gives its memory back; `undefined` where somebody may still read it when its fate is known. */
  recycle: (() => void) | undefined
  entry: SpoolEntry | undefined
  /** Pending while it is being written to the spool. */
  spooling: Promise<void> | undefined
  /** Whether the account has it in flight; else queued. */
  inFlight: boolean
  /** How the sending of it has ended because everything did. */
  ended: ExportOutcome | undefined
}

/** Bytes of memory that a waiting batch takes beside its request, by `benchmarks/scenarios/queue-memory.js`. */
const WAITING_BYTES = 1024

export function createQueuedRequest(
  number: number,
  count: number,
  { batch, entry, isDelayed = false }: { batch?: Batch; entry?: SpoolEntry; isDelayed?: boolean },
): QueuedRequest {
  const bytes = batch ? batch.body.buffer.byteLength + WAITING_BYTES : 0
  const recycle = batch?.recycle
  return {
    sequence: number,
    count,
    bytes,
    batch,
    parts: undefined,
    isDelayed,
    recycle,
    entry,
    spooling: undefined,
    inFlight: false,
    ended: undefined,
  }
}

/** What is to be sent; empty when it is on disk alone. */
export function chunksOf(queuedRequest: QueuedRequest): readonly EncodedRequest[] {
  const { batch, count } = queuedRequest
  if (batch) {
    queuedRequest.parts = [{ bytes: encodeRequest(batch), recordCount: count }]
    queuedRequest.batch = undefined
  }
  return queuedRequest.parts ?? []
}

/** The same as one request. */
export function encodedRequestOf(queuedRequest: QueuedRequest): Uint8Array | undefined {
  const requests = chunksOf(queuedRequest).map(({ bytes: request }) => request)
  // Protobuf messages one after another are one message, with all that they hold.
  return requests.length > 1 ? Buffer.concat(requests) : requests[0]
}

/** @param part two records or more */
export function splitInHalf({
  bytes: request,
  recordCount: count,
}: EncodedRequest): [EncodedRequest, EncodedRequest] {
  const [first, second] = splitRequest(request, count)
  const half = count >>> 1
  return [
    { bytes: first, recordCount: half },
    { bytes: second, recordCount: count - half },
  ]
}
