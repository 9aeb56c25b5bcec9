import { type ValueLimits, type ValueSink, writeFields, writeValue } from '@logbridge/bridge'
import type { SpanContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'

/** A record as the encoder takes it: every field settled, values still whatever the application passed. */
export interface EncodableRecord {
  readonly timestamp: readonly [seconds: number, nanoseconds: number]
  readonly observedTimestamp: readonly [seconds: number, nanoseconds: number]
  readonly severityNumber: number
  readonly severityText: string | undefined
  readonly body: unknown
  readonly attributes: object | undefined
  readonly droppedAttributesCount: number
  readonly eventName: string | undefined
  readonly spanContext: SpanContext | undefined
}

/** An instrumentation scope, as the Logs API names and the SDK holds it. */
export interface Scope {
  readonly name: string
  readonly version?: string
  readonly schemaUrl?: string
  readonly attributes?: object
  readonly droppedAttributesCount?: number
}

/** A record larger than this fits into no request: receivers take 4 MiB by default. */
export const MAX_RECORD_BYTES: number = 4 * 1024 * 1024 - 64 * 1024

const INITIAL_CAPACITY = 64 * 1024
/** A buffer that one huge record has blown up is not kept beyond this. */
const KEPT_CAPACITY = 2 * 1024 * 1024

/** Bytes that the length of a field of this size takes. */
function varintSize(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x4000) return 2
  if (length < 0x20_0000) return 3
  return length < 0x1000_0000 ? 4 : 5
}

function tooLarge(): RangeError {
  return new RangeError(`it is larger than ${MAX_RECORD_BYTES} bytes`)
}

/** The value of each hex digit by its character code. */
const HEX = new Uint8Array(128)
for (let digit = 0; digit < 16; digit += 1) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Writes log records as OTLP protobuf, one after another, into one growing buffer.
 * Field numbers: opentelemetry-proto v1, `logs/v1/logs.proto` and `common/v1/common.proto`.
 *
 * A nested message is written behind one byte kept for its length; when it turns out to need more, it is moved.
 */
export class Encoder implements ValueSink {
  /** Bytes written so far. */
  position = 0
  private buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  /** Where the messages begin that are open now. */
  private readonly open: number[] = []
  private readonly bodyLimits: ValueLimits = {}
  /** The buffer does not grow beyond this. */
  private ceiling = Infinity

  /** The written bytes from `start` on; valid until the next write. */
  view(start = 0, end: number = this.position): Buffer {
    return this.buffer.subarray(start, end)
  }

  /** A copy of everything written, which is then forgotten. */
  take(): Buffer {
    const taken = Buffer.from(this.view())
    this.reset()
    return taken
  }

  reset(): void {
    this.position = 0
    if (this.buffer.length > KEPT_CAPACITY) this.buffer = Buffer.allocUnsafeSlow(INITIAL_CAPACITY)
  }

  /**
   * `ScopeLogs.log_records`: one LogRecord. On an error nothing of it remains.
   * @param uid becomes the attribute `log.record.uid`
   * @throws RangeError as soon as it proves to be much larger than `MAX_RECORD_BYTES`: a log call is not held up by it
   */
  logRecord(record: EncodableRecord, limits: ValueLimits, uid?: string): void {
    const start = this.position
    this.ceiling = start + 2 * MAX_RECORD_BYTES
    const { severityNumber } = record
    try {
      this.begin(0x12)
      this.fixed64(0x09, record.timestamp)
      // From JavaScript it may be any number, and Infinity has no varint.
      if (severityNumber > 0 && severityNumber <= 24) this.varintField(0x10, severityNumber)
      if (record.severityText) this.stringField(0x1a, record.severityText)
      if (record.body !== undefined) {
        this.begin(0x2a)
        writeValue(record.body, this, this.bodyLimits)
        this.end()
      }
      const dropped =
        record.droppedAttributesCount +
        (record.attributes ? this.attributes(0x32, record.attributes, limits) : 0)
      if (uid !== undefined) this.attribute('log.record.uid', uid)
      if (dropped > 0) this.varintField(0x38, dropped)
      if (record.spanContext) this.spanContext(record.spanContext)
      this.fixed64(0x59, record.observedTimestamp)
      if (record.eventName) this.stringField(0x62, record.eventName)
      this.end()
    } catch (error) {
      this.position = start
      this.open.length = 0
      throw error
    }
  }

  /** `ScopeLogs.scope` and what belongs to it. */
  scope(scope: Scope): void {
    this.begin(0x0a)
    if (scope.name) this.stringField(0x0a, scope.name)
    if (scope.version) this.stringField(0x12, scope.version)
    if (scope.attributes) this.attributes(0x1a, scope.attributes, {})
    if (scope.droppedAttributesCount) this.varintField(0x20, scope.droppedAttributesCount)
    this.end()
  }

  /** `ResourceLogs.resource`. */
  resource(resource: Resource): void {
    this.begin(0x0a)
    this.attributes(0x0a, resource.attributes, {})
    this.end()
  }

  /** A field that holds text. */
  stringField(tag: number, value: string): void {
    this.ensure(1)
    this.buffer[this.position++] = tag
    this.text(value)
  }

  /** What is already encoded. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** Opens a nested message; `end` closes it. */
  begin(tag: number): void {
    this.ensure(2)
    this.buffer[this.position] = tag
    this.position += 2
    this.open.push(this.position)
  }

  end(): void {
    const start = this.open.pop()!
    const length = this.position - start
    if (length < 0x80) {
      this.buffer[start - 1] = length
      return
    }
    const extra = varintSize(length) - 1
    this.ensure(extra)
    this.buffer.copyWithin(start + extra, start, this.position)
    this.position = start - 1
    this.varint(length)
    this.position += length
  }

  // ValueSink: what `writeValue` and `writeFields` of the bridge make of a value, as AnyValue.

  empty(): void {
    // An AnyValue with nothing set has no bytes.
  }
  string(value: string): void {
    this.stringField(0x0a, value)
  }
  bool(value: boolean): void {
    this.varintField(0x10, value ? 1 : 0)
  }
  int(value: number | bigint): void {
    this.ensure(11)
    this.buffer[this.position++] = 0x18
    if (typeof value === 'number' && value >= 0) this.varint(value)
    else this.varint64(BigInt.asUintN(64, BigInt(value)))
  }
  double(value: number): void {
    this.ensure(9)
    this.buffer[this.position] = 0x21
    this.buffer.writeDoubleLE(value, this.position + 1)
    this.position += 9
  }
  bytes(value: Uint8Array): void {
    this.ensure(6)
    this.buffer[this.position++] = 0x3a
    this.varint(value.length)
    this.raw(value)
  }
  beginArray(): void {
    this.begin(0x2a)
  }
  beginElement(): void {
    this.begin(0x0a)
  }
  endElement(): void {
    this.end()
  }
  endArray(): void {
    this.end()
  }
  beginMap(): void {
    this.mapTags.push(this.fieldTag)
    this.fieldTag = 0x0a
    this.begin(0x32)
  }
  beginField(key: string): void {
    this.begin(this.fieldTag)
    this.stringField(0x0a, key)
    this.begin(0x12)
  }
  endField(): void {
    this.end()
    this.end()
  }
  endMap(): void {
    this.end()
    this.fieldTag = this.mapTags.pop()!
  }

  /** Tag of a KeyValue where it stands: in a LogRecord, a Resource, a scope, or (0x0a) in a map. */
  private fieldTag = 0x0a
  private readonly mapTags: number[] = []

  private attributes(tag: number, attributes: object, limits: ValueLimits): number {
    this.fieldTag = tag
    this.mapTags.length = 0
    return writeFields(attributes, this, limits)
  }

  private attribute(key: string, value: string): void {
    this.begin(0x32)
    this.stringField(0x0a, key)
    this.begin(0x12)
    this.stringField(0x0a, value)
    this.end()
    this.end()
  }

  private spanContext({ traceId, spanId, traceFlags }: SpanContext): void {
    this.ensure(5 + 18 + 10)
    if (traceFlags) {
      this.buffer[this.position] = 0x45
      this.buffer.writeUInt32LE(traceFlags, this.position + 1)
      this.position += 5
    }
    this.hex(0x4a, traceId)
    this.hex(0x52, spanId)
  }

  private hex(tag: number, digits: string): void {
    const { buffer } = this
    let position = this.position
    buffer[position++] = tag
    buffer[position++] = digits.length >>> 1
    for (let i = 0; i < digits.length; i += 2) {
      buffer[position++] = (HEX[digits.charCodeAt(i)]! << 4) | HEX[digits.charCodeAt(i + 1)]!
    }
    this.position = position
  }

  /** Nanoseconds since the epoch, split so that every step stays within 2^53. */
  private fixed64(tag: number, [seconds, nanoseconds]: readonly [number, number]): void {
    const upper = Math.floor(seconds / 0x1_0000) * 1e9
    const lower = (seconds % 0x1_0000) * 1e9 + nanoseconds
    const low = (upper % 0x1_0000) * 0x1_0000 + (lower % 0x1_0000_0000)
    const high =
      Math.floor(upper / 0x1_0000) + Math.floor(lower / 0x1_0000_0000) + Math.floor(low / 0x1_0000_0000)
    this.ensure(9)
    this.buffer[this.position] = tag
    this.buffer.writeUInt32LE(low % 0x1_0000_0000, this.position + 1)
    this.buffer.writeUInt32LE(high % 0x1_0000_0000, this.position + 5)
    this.position += 9
  }

  private varintField(tag: number, value: number): void {
    this.ensure(9)
    this.buffer[this.position++] = tag
    this.varint(value)
  }

  /** A safe integer that is not negative; the caller has ensured the space. */
  private varint(value: number): void {
    const { buffer } = this
    while (value >= 0x8000_0000) {
      buffer[this.position++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }
    while (value >= 0x80) {
      buffer[this.position++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    buffer[this.position++] = value
  }

  private varint64(value: bigint): void {
    while (value >= 0x80n) {
      this.buffer[this.position++] = Number(value & 0x7fn) | 0x80
      value >>= 7n
    }
    this.buffer[this.position++] = Number(value)
  }

  /** A length and the text in UTF-8; a lone surrogate becomes U+FFFD, as `Buffer` does it. */
  private text(value: string): void {
    if (this.position + value.length > this.ceiling) throw tooLarge()
    // Three bytes for each UTF-16 unit at most; a long text is measured rather than given three times its size.
    this.ensure(5 + (value.length > 0x4000 ? Buffer.byteLength(value) : value.length * 3))
    const { buffer } = this
    const start = this.position
    const guess = varintSize(value.length)
    const size = buffer.write(value, start + guess)
    const needed = varintSize(size)
    if (needed !== guess) buffer.copyWithin(start + needed, start + guess, start + guess + size)
    this.varint(size)
    this.position = start + needed + size
  }

  private ensure(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    if (needed > this.ceiling) throw tooLarge()
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(grown, 0, 0, this.position)
    this.buffer = grown
  }
}
