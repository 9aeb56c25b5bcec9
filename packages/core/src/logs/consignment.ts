import type { SpoolEntry } from '../spool/types.ts'
import { type Batch, encodeRequest } from './batch.ts'

/** A sealed batch on its way: in memory, in the spool, or both. */
export interface Consignment {
  readonly count: number
  /** Bytes of memory that it holds. */
  bytes: number
  /** Until the resource is complete. */
  batch: Batch | undefined
  request: Uint8Array | undefined
  entry: SpoolEntry | undefined
  /** Pending while it is being written to the spool. */
  stored: Promise<void> | undefined
  readonly settled: Promise<void>
  readonly settle: () => void
}

export function consign(count: number, { batch, entry }: { batch?: Batch; entry?: SpoolEntry }): Consignment {
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  const bytes = batch?.body.length ?? 0
  return { count, bytes, batch, request: undefined, entry, stored: undefined, settled, settle }
}

export function requestOf(consignment: Consignment): Uint8Array | undefined {
  const { batch } = consignment
  if (batch) {
    consignment.request = encodeRequest(batch)
    consignment.batch = undefined
  }
  return consignment.request
}
