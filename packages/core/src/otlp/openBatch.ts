import { resolveText, type ValueLimits } from '@logbridge/bridge/internal'
import type { Resource } from '@opentelemetry/resources'
import { withinDetection } from '../config/detection.ts'
import { BufferPool } from './bufferPool.ts'
import { EXPORT_LOGS_REQUEST, lengthTag, RESOURCE_LOGS, SCOPE_LOGS } from './fields.ts'
import { type EncodableRecord, RecordEncoder, type Scope } from './recordEncoder.ts'
import { varintSize } from './protobufWriter.ts'

const RESOURCE_LOGS_TAG = lengthTag(EXPORT_LOGS_REQUEST.resourceLogs)
const RESOURCE_SCHEMA_URL = lengthTag(RESOURCE_LOGS.schemaUrl)
const SCOPE_LOGS_TAG = lengthTag(RESOURCE_LOGS.scopeLogs)
const SCOPE_SCHEMA_URL = lengthTag(SCOPE_LOGS.schemaUrl)

/** Resource that is encoded once. */
export interface EncodedResource {
  /** Returns `ResourceLogs.resource` and `schema_url`, with the attributes detected so far. */
  readonly bytes: () => Uint8Array
  /** Promise for the end of resource detection; `undefined` after that end. */
  readonly ready: Promise<unknown> | undefined
  /** Ends the wait for detectors. Attributes that are detected later are left out of the batches begun so far. */
  stopWaiting?(): void
}

/** Instrumentation scope that is encoded once. */
export interface EncodedScope {
  readonly resource: EncodedResource
  /** `ScopeLogs.scope`, one character for each byte, because a Buffer takes 300 bytes more memory. */
  readonly bytes: string
  readonly schemaUrl: string
  /** Upper bound of the bytes that this scope adds to a request. */
  readonly size: number
}

/** Encoded records of one resource. */
export interface Batch {
  readonly resource: EncodedResource
  /**
   * An `ExportLogsServiceRequest`. For a batch that was sealed during resource detection, the `ResourceLogs.scope_logs` fields.
   */
  readonly body: Buffer
  readonly isRequest: boolean
  readonly count: number
  /** Returns the memory of `body` for the next batch. Call it after the last read of `body`. */
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
  // Attributes that are detected after `stopWaiting` are sent with the batches that begin later.
  const forget = (): void => (bytes = undefined)
  found?.then(forget, forget)
  return {
    bytes() {
      if (bytes) return bytes
      scratch.resource(resource)
      if (resource.schemaUrl) scratch.stringField(RESOURCE_SCHEMA_URL, resource.schemaUrl)
      const taken = scratch.take()
      // Keep the bytes only after detection: a spill at exit calls `bytes` earlier.
      if (!ready) bytes = taken
      return taken
    },
    get ready() {
      return ready
    },
    stopWaiting: () => detection?.stopWaiting(),
  }
}

/**
 * Encodes a scope.
 * @param given fields of any type, because a caller in JavaScript may pass any value. They are resolved first, because an error
 * during encoding would leave bytes in the shared encoder
 */
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

/** Size of a full batch, far below the 4 MiB that gRPC receivers accept by default. */
export const BATCH_BYTES: number = 512 * 1024
/** Space for the record that fills a batch, which seldom is larger. */
const SLACK_BYTES = 16 * 1024
/**
 * Share of its buffer from which on a batch is sent in place, as two records of 200 kB are (`pnpm bench growth-message`). A smaller
 * batch is copied, which frees the rest of the buffer.
 */
const FULL_SHARE = 0.7

/** Batch that accepts records. Each record is encoded when it is added; `seal` groups the records by scope. */
export class OpenBatch {
  count = 0
  private readonly encoder: RecordEncoder
  private readonly fullBytes: number
  private readonly capacity: number
  private resource: EncodedResource | undefined
  /** Bytes of `resource` at the first record, which `headroom` includes. Detection may change the bytes later. */
  private resourceBytes: Uint8Array | undefined
  /** Number of each scope, in the order of first records. */
  private scopes = new Map<EncodedScope, number>()
  private lastScope: EncodedScope | undefined
  /** Runs of records of one scope, as pairs: number of the scope, position of the first byte. */
  private runs: number[] = []
  /** Free bytes before the first record, for the resource and the scope. */
  private headroom = 0
  /** Bytes of the request that are written later, by `seal`. */
  private pendingBytes = 0
  /** Buffers for the next batches. */
  readonly pool: BufferPool

  /** @param fullBytes size of a full batch, which is sent without a copy */
  constructor(fullBytes: number = BATCH_BYTES) {
    this.fullBytes = fullBytes
    this.capacity = fullBytes + SLACK_BYTES
    this.encoder = new RecordEncoder(this.capacity)
    this.pool = new BufferPool(this.capacity)
  }

  /** Upper bound of the size of the request, without a resource whose detection is pending. */
  get bytes(): number {
    return this.encoder.position + this.pendingBytes
  }

  /**
   * Returns true when the batch has the resource of the scope, space for the scope, and space for the text of the record without
   * growing, because a grown buffer is not used again (`pnpm bench growth-message`).
   */
  hasRoomFor(scope: EncodedScope, body: unknown): boolean {
    if (typeof body === 'string' && this.encoder.position + body.length > this.capacity && this.count > 0)
      return false
    if (scope === this.lastScope || this.resource === undefined) return true
    if (scope.resource !== this.resource) return false
    return this.scopes.has(scope) || this.bytes + scope.size < this.fullBytes
  }

  /**
   * Encodes a record into the batch.
   * @param uid value of the attribute `log.record.uid`
   * @returns size of the encoded record in bytes
   * @throws RangeError for a record that is too large; the batch is then unchanged
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

  /** Removes the record that was added last. */
  removeLast(bytes: number): void {
    const { encoder, runs } = this
    encoder.position -= bytes
    if (runs.at(-1) === encoder.position) {
      runs.length -= 2
      this.lastScope = undefined
    }
    this.count -= 1
    // Release the buffer that a large record has grown, because no seal follows for an empty batch.
    if (this.count === 0) this.reset()
  }

  /** Ends the batch and starts an empty one. Returns `undefined` for an empty batch. */
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
    this.headroom = 2 * MAX_HEADER_BYTES + this.resourceBytes.length + bytes.length
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

  /** Makes a request of records of one scope: writes resource and scope into the headroom before the records. */
  private inPlace(
    scope: EncodedScope,
    resourceBytes: Uint8Array,
  ): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { encoder, headroom } = this
    if (scope.schemaUrl) encoder.stringField(SCOPE_SCHEMA_URL, scope.schemaUrl)
    const end = encoder.position
    const scopeLogs = scope.bytes.length + end - headroom
    const resourceLogs = resourceBytes.length + 1 + varintSize(scopeLogs) + scopeLogs
    const start = end - resourceLogs - 1 - varintSize(resourceLogs)
    encoder.position = start
    encoder.header(RESOURCE_LOGS_TAG, resourceLogs)
    encoder.raw(resourceBytes)
    encoder.header(SCOPE_LOGS_TAG, scopeLogs)
    encoder.latin1(scope.bytes)
    encoder.position = end
    if (encoder.capacity < this.capacity || end < encoder.capacity * FULL_SHARE) {
      const body = Buffer.allocUnsafeSlow(end - start)
      encoder.view(start).copy(body)
      return { body, isRequest: true, recycle: undefined }
    }
    const buffer = encoder.exchange(this.pool.take())
    return { body: buffer.subarray(start, end), isRequest: true, recycle: () => this.pool.give(buffer) }
  }

  /** Copies records of several scopes into one body, without the resource while its detection is pending. */
  private grouped(resource: EncodedResource): Pick<Batch, 'body' | 'isRequest' | 'recycle'> {
    const { runs } = this
    // Read the resource first, because its encoder is `scratch` as well. Making the request here saves `encodeRequest` another
    // copy of half a megabyte, which takes 0.5 ms (`pnpm bench pipeline`).
    const resourceBytes = this.resourceBytes ?? (resource.ready ? undefined : resource.bytes())
    // Linked lists of the runs of each scope, in two arrays: an array for each scope would be garbage.
    const first = new Int32Array(this.scopes.size).fill(-1)
    const next = new Int32Array(runs.length / 2)
    for (let run = next.length - 1; run >= 0; run -= 1) {
      const number = runs[2 * run]!
      next[run] = first[number]!
      first[number] = run
    }
    if (resourceBytes) {
      scratch.begin(RESOURCE_LOGS_TAG)
      scratch.raw(resourceBytes)
    }
    for (const [scope, number] of this.scopes) {
      let run = first[number]!
      // The only record of the scope was removed.
      if (run < 0) continue
      scratch.begin(SCOPE_LOGS_TAG)
      scratch.latin1(scope.bytes)
      for (; run >= 0; run = next[run]!) {
        scratch.rawOf(this.encoder, runs[2 * run + 1]!, runs[2 * run + 3])
      }
      if (scope.schemaUrl) scratch.stringField(SCOPE_SCHEMA_URL, scope.schemaUrl)
      scratch.end()
    }
    if (resourceBytes) scratch.end()
    return { body: scratch.take(), isRequest: resourceBytes !== undefined, recycle: undefined }
  }
}

/** Memory of an open batch for each scope. */
const SCOPE_BYTES = 256
/** Size of a tag and the length of a message. */
const MAX_HEADER_BYTES = 6

function schemaUrlSize(schemaUrl: string): number {
  return schemaUrl === '' ? 0 : MAX_HEADER_BYTES + Buffer.byteLength(schemaUrl)
}
