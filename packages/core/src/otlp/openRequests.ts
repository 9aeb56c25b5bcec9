import { joinRequests } from './logsRequest.ts'
import type { Batch, EncodedResource } from './openBatch.ts'
import { ProtobufWriter } from './protobufWriter.ts'

/** Resource of requests that have their own. */
const COMPLETE: EncodedResource = { bytes: () => Buffer.alloc(0), ready: undefined }

/** Requests of other programs, which are sealed to one batch, because a line often has a single record. */
export class OpenRequests {
  /** Number of records. */
  count = 0
  private readonly writer = new ProtobufWriter()
  /** Positions of the ends of the requests. */
  private ends: number[] = []

  get bytes(): number {
    return this.writer.position
  }

  /** Copies a request. */
  add(request: Uint8Array, count: number): void {
    this.writer.raw(request)
    this.ends.push(this.writer.position)
    this.count += count
  }

  /** Joins the requests, and removes them. Returns `undefined` without any. */
  seal(): Batch | undefined {
    const { count, ends, writer } = this
    if (count === 0) return undefined
    const body = joinRequests(ends.map((end, index) => writer.view(ends[index - 1] ?? 0, end)))
    this.count = 0
    this.ends = []
    writer.reset()
    return { resource: COMPLETE, body, isRequest: true, count, recycle: undefined }
  }
}
