import type { ValueLimits } from '@logbridge/bridge/internal'
import type { Resource } from '@opentelemetry/resources'
import { withinDetection } from '../config/detection.ts'
import { HEADROOM_BYTES } from './headroom.ts'
import { type EncodableRecord, RecordEncoder, type Scope } from './recordEncoder.ts'
import { resolveText } from './resolveText.ts'
import { varintSize } from './protobufWriter.ts'

/** A Resource or an InstrumentationScope, encoded once. */
export interface EncodedResource {
  /** `ResourceLogs.resource` and `schema_url`; empty until `ready` has passed. */
  readonly bytes: () => Uint8Array
  /** Pending while detectors still look for attributes. */
  readonly ready: Promise<unknown> | undefined
  /** Has `ready` pass soon: what is not detected by then is left out. */
  giveUpWaiting?(): void
}
export interface EncodedScope {
  readonly resource: EncodedResource
  /** `ScopeLogs.scope`, a character for each byte: a Buffer of its own takes 300 bytes more. */
  readonly bytes: string
  readonly schemaUrl: string
  /** Most bytes that a request takes more for the records of one more scope. */
  readonly size: number
}

/** Records of one resource on their way. */
export interface Batch {
  readonly resource: EncodedResource
  /**
   * An `ExportLogsServiceRequest`; while the resource is not ready, a run of its `ResourceLogs.scope_logs` fields. Before
   * either, `HEADROOM_BYTES` are free.
   */
  readonly body: Buffer
  readonly isRequest: boolean
  readonly count: number
  /** To be called when nobody reads `body` any more: its memory is used for another batch. */
  readonly recycle: (() => void) | undefined
}

const scratch = new RecordEncoder()

export function encodeResource(resource: Resource): EncodedResource {
  let bytes: Uint8Array | undefined
  const found = resource.asyncAttributesPending
    ? Promise.resolve(resource.waitForAsyncAttributes?.())
    : undefined
  const detection = found && withinDetection(found)
  let ready = detection?.over
  void ready?.then(() => (ready = undefined))
  // Attributes that are found after `giveUpWaiting` are sent with the batches that begin then.
  const forget = (): void => (bytes = undefined)
  found?.then(forget, forget)
  return {
    bytes() {
      if (bytes) return bytes
      scratch.resource(resource)
      if (resource.schemaUrl) scratch.stringField(0x1a, resource.schemaUrl)
      const taken = scratch.take()
      // A spill at the end of the process asks earlier.
      if (!ready) bytes = taken
      return taken
    },
    get ready() {
      return ready
    },
    giveUpWaiting: () => detection?.stopWaiting(),
  }
}

/** @param given from JavaScript these may be anything, and an error half way would spoil what is encoded next */
export function encodeScope(
  given: { readonly [Name in keyof Scope]: unknown },
  resource: EncodedResource,
): EncodedScope {
  const attributes = typeof given.attributes === 'object' ? given.attributes : undefined
  const name = resolveText(given.name) ?? ''
  const version = resolveText(given.version) ?? ''
  const count = given.droppedAttributesCount
  const droppedAttributesCount = typeof count === 'number' ? count >>> 0 : 0
  const schemaUrl = resolveText(given.schemaUrl) ?? ''
  scratch.scope({ name, version, ...(attributes && { attributes }), droppedAttributesCount })
  const bytes = scratch.takeLatin1()
  return {
    resource,
    bytes,
    schemaUrl,
    size: SCOPE_BYTES + MAX_HEADER_BYTES + bytes.length + schemaUrlSize(schemaUrl),
  }
}

/** A batch is sent when it takes this much, well under the 4 MiB that gRPC receivers take by default. */
export const BATCH_BYTES: number = 512 * 1024
/** Beyond what a full batch holds: the record that fills it seldom takes more. */
const SLACK_BYTES = 16 * 1024
/** A batch that fills so much of its buffer is sent from there; another is copied, so that none keeps memory for nothing. */
const FULL_SHARE = 0.9
/** As many requests as are sent at a time. */
const MAX_SPARE_BUFFERS = 4

/** The batch that is being filled. Records are encoded at once and grouped by scope when it is sealed. */
export class OpenBatch {
  count = 0
  private readonly encoder: RecordEncoder
  private readonly fullBytes: number
  private readonly capacity: number
  private resource: EncodedResource | undefined
  /** The bytes of `resource` at the first record, which `headroom` counts. An attribute that is found later makes others. */
  private resourceBytes: Uint8Array | undefined
  /** The scopes in the order of their first records. */
  private scopes = new Map<EncodedScope, number>()
  private lastScope: EncodedScope | undefined
  /** Stretches of the encoder's bytes: the number of the scope, and where the stretch begins. */
  private runs: number[] = []
  /** Free bytes before the first record: for all that comes before it in a request. */
  private headroom = 0
  /** Bytes that the request takes beside what the encoder holds. */
  private pendingBytes = 0
  private readonly spare: Buffer[] = []

  /** @param fullBytes size of a full batch; memory of that size is sent without being copied */
  constructor(fullBytes: number = BATCH_BYTES) {
    this.fullBytes = fullBytes
    this.capacity = fullBytes + SLACK_BYTES
    this.encoder = new RecordEncoder(this.capacity)
  }

  /** Bytes that the request takes, with its scopes and, once it is ready, its resource; never too few. */
  get bytes(): number {
    return this.encoder.position + this.pendingBytes
  }

  /** Whether a record of this scope can join: a batch has one resource, and another scope must not fill it. */
  hasRoomFor(scope: EncodedScope): boolean {
    if (scope === this.lastScope || this.resource === undefined) return true
    if (scope.resource !== this.resource) return false
    return this.scopes.has(scope) || this.bytes + scope.size < this.fullBytes
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
    if (scope !== this.lastScope) this.beginRun(scope, start)
    this.count += 1
    return this.encoder.position - start
  }

  /** Takes back the record just added. */
  removeLast(bytes: number): void {
    const { encoder, runs } = this
    encoder.position -= bytes
    if (runs.at(-1) === encoder.position) {
      runs.length -= 2
      this.lastScope = undefined
    }
    this.count -= 1
    // Nothing is left that a seal would come for, and with it the release of a buffer that the record has blown up.
    if (this.count === 0) this.reset()
  }

  /** Everything added so far as one Batch; `undefined` when there is nothing. */
  seal(): Batch | undefined {
    const { resource, resourceBytes, count, scopes } = this
    if (resource === undefined || count === 0) return undefined
    const [first] = scopes.keys()
    const content =
      resourceBytes && scopes.size === 1 ? this.inPlace(first!, resourceBytes) : this.grouped(resource)
    this.reset()
    return { resource, count, ...content }
  }

  private begin(scope: EncodedScope): void {
    const { resource, bytes } = scope
    this.resource = resource
    if (resource.ready) {
      this.pendingBytes = scope.size
      return
    }
    this.pendingBytes = schemaUrlSize(scope.schemaUrl)
    this.resourceBytes = resource.bytes()
    this.headroom = HEADROOM_BYTES + 2 * MAX_HEADER_BYTES + this.resourceBytes.length + bytes.length
    this.encoder.skip(this.headroom)
  }

  private beginRun(scope: EncodedScope, start: number): void {
    const { scopes } = this
    let number = scopes.get(scope)
    if (number === undefined) {
      number = scopes.size
      scopes.set(scope, number)
      // `begin` has counted the first scope.
      if (number > 0) this.pendingBytes += scope.size
    }
    this.runs.push(number, start)
    this.lastScope = scope
  }

  private reset(): void {
    this.encoder.reset()
    this.scopes = new Map()
    this.lastScope = undefined
    this.runs = []
    this.count = 0
    this.headroom = 0
    this.pendingBytes = 0
    this.resource = undefined
    this.resourceBytes = undefined
  }

  /** Records of one scope stay where they are: what belongs before them is put there. */
  private inPlace(
    scope: EncodedScope,
    resourceBytes: Uint8Array,
  ): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { encoder, headroom } = this
    if (scope.schemaUrl) encoder.stringField(0x1a, scope.schemaUrl)
    const end = encoder.position
    const scopeLogs = scope.bytes.length + end - headroom
    const resourceLogs = resourceBytes.length + 1 + varintSize(scopeLogs) + scopeLogs
    const start = end - resourceLogs - 1 - varintSize(resourceLogs)
    encoder.position = start
    encoder.header(0x0a, resourceLogs)
    encoder.raw(resourceBytes)
    encoder.header(0x12, scopeLogs)
    encoder.latin1(scope.bytes)
    encoder.position = end
    if (encoder.capacity !== this.capacity || end < this.capacity * FULL_SHARE) {
      const copy = Buffer.allocUnsafeSlow(HEADROOM_BYTES + end - start)
      encoder.view(start).copy(copy, HEADROOM_BYTES)
      return { body: copy.subarray(HEADROOM_BYTES), isRequest: true, recycle: undefined }
    }
    const { spare } = this
    const buffer = encoder.exchange(spare.pop() ?? Buffer.allocUnsafeSlow(this.capacity))
    const recycle = (): void => {
      if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer)
    }
    return { body: buffer.subarray(start, end), isRequest: true, recycle }
  }

  /** Those of several scopes are copied together; while the resource is not ready, without it. */
  private grouped(resource: EncodedResource): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { runs } = this
    // Asked for first: it is encoded with the same scratch buffer. Made a request at once where that is possible: another
    // copy of half a megabyte takes 0.5 ms.
    const resourceBytes = this.resourceBytes ?? (resource.ready ? undefined : resource.bytes())
    // The first run of each scope, and behind each run the next one of the same scope: arrays of their own would be garbage.
    const first = new Int32Array(this.scopes.size).fill(-1)
    const next = new Int32Array(runs.length / 2)
    for (let run = next.length - 1; run >= 0; run -= 1) {
      const number = runs[2 * run]!
      next[run] = first[number]!
      first[number] = run
    }
    scratch.skip(HEADROOM_BYTES)
    if (resourceBytes) {
      scratch.begin(0x0a)
      scratch.raw(resourceBytes)
    }
    for (const [scope, number] of this.scopes) {
      let run = first[number]!
      // Its only record was taken back.
      if (run < 0) continue
      scratch.begin(0x12)
      scratch.latin1(scope.bytes)
      for (; run >= 0; run = next[run]!) {
        scratch.rawOf(this.encoder, runs[2 * run + 1]!, runs[2 * run + 3])
      }
      if (scope.schemaUrl) scratch.stringField(0x1a, scope.schemaUrl)
      scratch.end()
    }
    if (resourceBytes) scratch.end()
    const body = scratch.take().subarray(HEADROOM_BYTES)
    return { body, isRequest: resourceBytes !== undefined, recycle: undefined }
  }
}

/** Memory that a batch holds with each of its scopes, as it is filled. */
const SCOPE_BYTES = 256
/** A tag and the length of a message. */
const MAX_HEADER_BYTES = 6

function schemaUrlSize(schemaUrl: string): number {
  return schemaUrl === '' ? 0 : MAX_HEADER_BYTES + Buffer.byteLength(schemaUrl)
}
