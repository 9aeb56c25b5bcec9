import type { ValueLimits } from '@logbridge/bridge'
import type { Resource } from '@opentelemetry/resources'
import { FRAME_BYTES, frame } from '../delivery/frame.ts'
import { type EncodableRecord, Encoder, type Scope } from './encode.ts'
import { varintSize } from './protobuf.ts'

/** A Resource or an InstrumentationScope, encoded once. */
export interface EncodedResource {
  /** `ResourceLogs.resource` and `schema_url`; empty until `ready` has passed. */
  readonly bytes: () => Uint8Array
  /** Pending while detectors still look for attributes. */
  readonly ready: Promise<void> | undefined
}
export interface EncodedScope {
  readonly resource: EncodedResource
  /** `ScopeLogs.scope`. */
  readonly bytes: Buffer
  readonly schemaUrl: string
}

/** Records of one resource on their way. */
export interface Batch {
  readonly resource: EncodedResource
  /** An `ExportLogsServiceRequest`; while the resource is not ready, a run of its `ResourceLogs.scope_logs` fields. */
  readonly body: Uint8Array
  readonly isRequest: boolean
  readonly count: number
  /** To be called when nobody reads `body` any more: its memory is used for another batch. */
  readonly recycle: (() => void) | undefined
}

const scratch = new Encoder()

export function encodeResource(resource: Resource): EncodedResource {
  let bytes: Uint8Array | undefined
  // A detector that fails leaves its attributes out; the records go all the same.
  let ready = resource.asyncAttributesPending
    ? resource.waitForAsyncAttributes?.().catch(() => {})
    : undefined
  void ready?.then(() => (ready = undefined))
  return {
    bytes() {
      if (bytes) return bytes
      scratch.resource(resource)
      if (resource.schemaUrl) scratch.stringField(0x1a, resource.schemaUrl)
      const encoded = scratch.take()
      // Asked for too early where a crash spills what is there.
      if (!resource.asyncAttributesPending) bytes = encoded
      return encoded
    },
    get ready() {
      return ready
    },
  }
}

/** @param given from JavaScript these may be anything, and an error half way would spoil what is encoded next */
export function encodeScope(
  given: { readonly [Name in keyof Scope]: unknown },
  resource: EncodedResource,
): EncodedScope {
  const attributes = typeof given.attributes === 'object' ? given.attributes : undefined
  const name = String(given.name ?? '')
  const version = String(given.version ?? '')
  const droppedAttributesCount = Number(given.droppedAttributesCount) >>> 0
  scratch.scope({ name, version, ...(attributes && { attributes }), droppedAttributesCount })
  return { resource, bytes: scratch.take(), schemaUrl: String(given.schemaUrl ?? '') }
}

/** Beyond what a full batch holds: the record that fills it seldom takes more. */
const SLACK_BYTES = 16 * 1024
/** A batch that fills so much of its buffer is sent from there; another is copied, so that none keeps memory for nothing. */
const FULL_SHARE = 0.9
/** As many requests as are sent at a time. */
const MAX_SPARE_BUFFERS = 4

/** The batch that is being filled. Records are encoded at once and grouped by scope when it is sealed. */
export class OpenBatch {
  count = 0
  private readonly encoder: Encoder
  private readonly capacity: number
  private resource: EncodedResource | undefined
  /** Which stretch of the encoder's bytes belongs to which scope. */
  private runs: { scope: EncodedScope; start: number }[] = []
  /** Free bytes before the first record: for all that comes before it in a request. */
  private headroom = 0
  private readonly spare: Buffer[] = []

  /** @param fullBytes when a batch is full; from memory of that size it is sent without being copied */
  constructor(fullBytes = 0) {
    this.capacity = fullBytes + SLACK_BYTES
    this.encoder = new Encoder(this.capacity)
  }

  /** What the records take. */
  get bytes(): number {
    return this.encoder.position - this.headroom
  }

  /** Whether a record of this scope can join: a batch has one resource. */
  takes(scope: EncodedScope): boolean {
    return this.resource === undefined || this.resource === scope.resource
  }

  /**
   * @param uid its `log.record.uid`
   * @returns the bytes that the record took
   * @throws RangeError when it grows beyond what a buffer is made for; nothing of it remains
   */
  add(scope: EncodedScope, record: EncodableRecord, limits: ValueLimits, uid?: string): number {
    if (this.count === 0) this.begin(scope)
    const start = this.encoder.position
    try {
      this.encoder.logRecord(record, limits, uid)
    } catch (error) {
      if (this.count === 0) this.reset()
      throw error
    }
    if (this.runs.at(-1)?.scope !== scope) this.runs.push({ scope, start })
    this.count += 1
    return this.encoder.position - start
  }

  /** Takes back the record just added. */
  removeLast(bytes: number): void {
    this.encoder.position -= bytes
    if (this.runs.at(-1)?.start === this.encoder.position) this.runs.pop()
    this.count -= 1
    // Nothing is left that a seal would come for, and with it the release of a buffer that the record has blown up.
    if (this.count === 0) this.reset()
  }

  /** Everything added so far as one Batch; `undefined` when there is nothing. */
  seal(): Batch | undefined {
    const { resource, count, runs } = this
    if (resource === undefined || count === 0) return undefined
    const content =
      this.headroom > 0 && runs.length === 1 ? this.inPlace(runs[0]!.scope) : this.grouped(resource)
    this.reset()
    return { resource, count, ...content }
  }

  private begin({ resource, bytes }: EncodedScope): void {
    this.resource = resource
    if (resource.ready) return
    this.headroom = FRAME_BYTES + 2 * MAX_HEADER_BYTES + resource.bytes().length + bytes.length
    this.encoder.skip(this.headroom)
  }

  private reset(): void {
    this.encoder.reset()
    this.runs = []
    this.count = 0
    this.headroom = 0
    this.resource = undefined
  }

  /** Records of one scope stay where they are: what belongs before them is put there. */
  private inPlace(scope: EncodedScope): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { encoder, headroom } = this
    const resourceBytes = scope.resource.bytes()
    if (scope.schemaUrl) encoder.stringField(0x1a, scope.schemaUrl)
    const end = encoder.position
    const scopeLogs = scope.bytes.length + end - headroom
    const resourceLogs = resourceBytes.length + 1 + varintSize(scopeLogs) + scopeLogs
    encoder.position = end - resourceLogs - 1 - varintSize(resourceLogs)
    const start = encoder.position - FRAME_BYTES
    encoder.header(0x0a, resourceLogs)
    encoder.raw(resourceBytes)
    encoder.header(0x12, scopeLogs)
    encoder.raw(scope.bytes)
    encoder.position = end
    if (encoder.capacity !== this.capacity || end < this.capacity * FULL_SHARE) {
      const copy = Buffer.allocUnsafeSlow(end - start)
      encoder.view(start).copy(copy)
      return { body: frame(copy, 0, copy.length), isRequest: true, recycle: undefined }
    }
    const { spare } = this
    const buffer = encoder.exchange(spare.pop() ?? Buffer.allocUnsafeSlow(this.capacity))
    const recycle = (): void => {
      if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer)
    }
    return { body: frame(buffer, start, end), isRequest: true, recycle }
  }

  /** Those of several scopes are copied together; while the resource is not ready, without it. */
  private grouped(resource: EncodedResource): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { runs } = this
    // Asked for first: it is encoded with the same scratch buffer. Made a request at once where that is possible: another
    // copy of half a megabyte takes 0.5 ms.
    const resourceBytes = resource.ready ? undefined : resource.bytes()
    const parts = new Map<EncodedScope, number[]>()
    for (const [index, { scope }] of runs.entries()) {
      const list = parts.get(scope)
      if (list) list.push(index)
      else parts.set(scope, [index])
    }
    scratch.skip(FRAME_BYTES)
    if (resourceBytes) {
      scratch.begin(0x0a)
      scratch.raw(resourceBytes)
    }
    for (const [scope, records] of parts) {
      scratch.begin(0x12)
      scratch.raw(scope.bytes)
      for (const index of records) {
        scratch.rawOf(this.encoder, runs[index]!.start, runs[index + 1]?.start)
      }
      if (scope.schemaUrl) scratch.stringField(0x1a, scope.schemaUrl)
      scratch.end()
    }
    if (resourceBytes) scratch.end()
    const copy = scratch.take()
    return { body: frame(copy, 0, copy.length), isRequest: resourceBytes !== undefined, recycle: undefined }
  }
}

/** A tag and the length of a message. */
const MAX_HEADER_BYTES = 6
