import { detachKey, type ValueLimits, type ValueSink, ValueWriter } from '@logbridge/bridge/internal'
import { isSpanContextValid, type SpanContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import { type EncodedWords, MAX_RECORD_BYTES, ProtobufWriter, SHORT_TEXT } from './protobufWriter.ts'

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
  /** One that is not valid counts as none. */
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

/** The value of each hex digit by its character code. */
const HEX = new Uint8Array(128)
for (let digit = 0; digit < 16; digit += 1) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Keys of attributes as they are written, `KeyValue.key`, in words of four bytes: to look one up and copy it takes 15 ns,
 * to encode it 25 (8 characters) to 60 (25).
 */
const KEYS = new Map<string, EncodedWords>()
/** A program may take keys from what its users send. */
const MAX_KEYS = 2000
/** Misses before the key cache is cleared: a stream of unique keys must not fill it. */
const MAX_MISSED_KEYS = 16 * MAX_KEYS
let missedKeys = 0
const MAX_KEY_LENGTH = 100
/** A text up to here fits into a length of one byte, whatever its characters. */
const FAST_TEXT = 42
/** Space for a field with such a key and such a text. */
const FAST_FIELD_BYTES = 3 * MAX_KEY_LENGTH + 3 * FAST_TEXT + 16

/**
 * Writes log records as OTLP, one after another.
 * Field numbers: opentelemetry-proto v1, `logs/v1/logs.proto` and `common/v1/common.proto`.
 */
export class RecordEncoder extends ProtobufWriter implements ValueSink {
  /** The trace context written last. */
  private last: (EncodedWords & { traceId: string; spanId: string; flags: number }) | undefined
  private readonly unlimited: ValueWriter = new ValueWriter(this, {})
  private limited: ValueWriter = this.unlimited
  private limits: ValueLimits = {}
  /** Tag of a KeyValue where it stands: in a LogRecord, a Resource, a scope, or (0x0a) in a map. */
  private fieldTag = 0x0a
  private readonly mapTags: number[] = []

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
      if (severityNumber > 0) this.varintField(0x10, severityNumber)
      if (record.severityText) this.stringField(0x1a, record.severityText)
      if (record.body !== undefined) {
        this.begin(0x2a)
        if (typeof record.body === 'string') this.string(record.body)
        else this.unlimited.write(record.body)
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
      this.mapTags.length = 0
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

  // ValueSink: what the bridge's ValueWriter makes of a value, as AnyValue.

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
    this.numbers.setFloat64(this.position + 1, value, true)
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
  /**
   * In one piece, with one check for space and lengths of one byte: 25 ns for a field, where the pieces take 70. The rules
   * of `ValueWriter.value` for these types stand here again; `encode.property.test.ts` compares both.
   */
  primitiveField(key: string, value: string | number | boolean): boolean {
    const encoded = KEYS.get(key)
    if (encoded === undefined) return false
    this.ensure(FAST_FIELD_BYTES)
    const { buffer, numbers } = this
    const start = this.position + 2
    let position = this.copyWords(encoded, start) + 2
    const valueStart = position
    if (typeof value === 'string') {
      const { length } = value
      if (length > FAST_TEXT) return false
      buffer[position] = 0x0a
      position += 2
      const end = position + length
      if (length <= SHORT_TEXT) {
        for (let index = 0; position < end; index += 1, position += 1) {
          const code = value.charCodeAt(index)
          if (code >= 0x80) return false
          buffer[position] = code
        }
      } else {
        position += buffer.write(value, position)
      }
      buffer[valueStart + 1] = position - valueStart - 2
    } else if (typeof value === 'boolean') {
      buffer[position] = 0x10
      buffer[position + 1] = value ? 1 : 0
      position += 2
    } else if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      buffer[position] = 0x21
      numbers.setFloat64(position + 1, value, true)
      position += 9
    } else if (value >= 0) {
      buffer[position] = 0x18
      position = this.varintAt(position + 1, value)
    } else {
      return false
    }
    if (position - start >= 0x80) return false
    buffer[start - 2] = this.fieldTag
    buffer[start - 1] = position - start
    buffer[valueStart - 2] = 0x12
    buffer[valueStart - 1] = position - valueStart
    this.position = position
    return true
  }
  beginField(key: string): boolean {
    const encoded = KEYS.get(key)
    if (encoded === undefined) {
      if (!key.isWellFormed()) return false
      this.begin(this.fieldTag)
      this.key(key)
    } else {
      this.begin(this.fieldTag)
      this.ensure(encoded.length + 3)
      this.position = this.copyWords(encoded, this.position)
    }
    this.begin(0x12)
    return true
  }
  endField(): void {
    this.end()
    this.end()
  }
  endMap(): void {
    this.end()
    this.fieldTag = this.mapTags.pop()!
  }

  private attributes(tag: number, attributes: object, limits: ValueLimits): number {
    this.fieldTag = tag
    if (limits !== this.limits) {
      this.limits = limits
      this.limited = new ValueWriter(this, limits)
    }
    return this.limited.writeFields(attributes)
  }

  private attribute(key: string, value: string): void {
    this.begin(0x32)
    this.stringField(0x0a, key)
    this.begin(0x12)
    this.stringField(0x0a, value)
    this.end()
    this.end()
  }

  private key(key: string): void {
    const start = this.position
    this.stringField(0x0a, key)
    if (key.length > MAX_KEY_LENGTH) return
    if (KEYS.size === MAX_KEYS) {
      missedKeys += 1
      if (missedKeys < MAX_MISSED_KEYS) return
      missedKeys = 0
      KEYS.clear()
    }
    // A key of a Map may be cut from a much larger text.
    KEYS.set(detachKey(key), this.wordsSince(start))
  }

  /** Most records have that of the one before. One that is not valid is left out. */
  private spanContext(given: SpanContext): void {
    const { traceId, spanId, traceFlags } = given
    // From a tracer that is not OpenTelemetry's they may be anything.
    if (typeof traceId !== 'string' || typeof spanId !== 'string' || typeof traceFlags !== 'number') return
    this.ensure(5 + 18 + 10 + 3)
    const { last } = this
    if (
      last !== undefined &&
      last.traceId === traceId &&
      last.spanId === spanId &&
      last.flags === traceFlags
    ) {
      // 12 ns, where to check and read digit by digit takes 160.
      this.position = this.copyWords(last, this.position)
      return
    }
    if (!isSpanContextValid(given)) return
    const start = this.position
    if (traceFlags) {
      this.buffer[start] = 0x45
      this.numbers.setUint32(start + 1, traceFlags, true)
      this.position += 5
    }
    this.hex(0x4a, traceId)
    this.hex(0x52, spanId)
    this.last = { traceId, spanId, flags: traceFlags, ...this.wordsSince(start) }
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
}
