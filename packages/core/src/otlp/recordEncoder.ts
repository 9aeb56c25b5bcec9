import {
  detachKey,
  rearm,
  type ValueLimits,
  type ValueSink,
  ValueWriter,
  warnOnce,
} from '@logbridge/bridge/internal'
import { isSpanContextValid, type SpanContext } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import {
  ANY_VALUE,
  ARRAY_VALUE,
  fixed32Tag,
  fixed64Tag,
  KEY_VALUE,
  KEY_VALUE_LIST,
  lengthTag,
  LOG_RECORD,
  RESOURCE,
  RESOURCE_LOGS,
  SCOPE,
  SCOPE_LOGS,
  varintTag,
} from './fields.ts'
import {
  type EncodedWords,
  MAX_RECORD_BYTES,
  ProtobufWriter,
  SHORT_TEXT,
  varintSize,
} from './protobufWriter.ts'

/** Log record with resolved fields. The values of body and attributes are as the application passed them. */
export interface EncodableRecord {
  readonly timestamp: readonly [seconds: number, nanoseconds: number]
  readonly observedTimestamp: readonly [seconds: number, nanoseconds: number]
  readonly severityNumber: number
  readonly severityText: string | undefined
  readonly body: unknown
  readonly attributes: object | undefined
  readonly droppedAttributesCount: number
  readonly eventName: string | undefined
  /** Trace context. An invalid one is left out. */
  readonly spanContext: SpanContext | undefined
}

/** Instrumentation scope with the names of the Logs API. */
export interface Scope {
  readonly name: string
  readonly version?: string
  readonly schemaUrl?: string
  readonly attributes?: object
  readonly droppedAttributesCount?: number
}

/** Value of each hex digit, by character code. */
const HEX = new Uint8Array(128)
for (let digit = 0; digit < 16; digit += 1) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Cache of encoded attribute keys, each the bytes of `KeyValue.key`. Looking up and copying a key takes 15 ns; encoding takes
 * 25 ns for 8 characters and 60 ns for 25 (`pnpm bench encode`).
 */
const KEYS = new Map<string, EncodedWords>()
/** Bounds the cache, because an application may take keys from the input of its users. */
const MAX_KEYS = 2000
/** Misses before the full cache is cleared, so that a stream of unique keys cannot occupy the cache forever. */
const MAX_MISSED_KEYS = 16 * MAX_KEYS
let missedKeys = 0
const MAX_KEY_LENGTH = 100
/** Space for a field with a key of `MAX_KEY_LENGTH` and a text of `SHORT_TEXT`. */
const FAST_FIELD_BYTES = 3 * MAX_KEY_LENGTH + SHORT_TEXT + 16

// Tags of the fields below.
const LOG_RECORDS = lengthTag(SCOPE_LOGS.logRecords)
const TIME = fixed64Tag(LOG_RECORD.timeUnixNano)
const SEVERITY_NUMBER = varintTag(LOG_RECORD.severityNumber)
const SEVERITY_TEXT = lengthTag(LOG_RECORD.severityText)
const BODY = lengthTag(LOG_RECORD.body)
const RECORD_ATTRIBUTES = lengthTag(LOG_RECORD.attributes)
const RECORD_DROPPED_ATTRIBUTES = varintTag(LOG_RECORD.droppedAttributesCount)
/** Bits of the W3C trace flags. The bits above are reserved. https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto */
const TRACE_FLAGS_MASK = 0xff
const FLAGS = fixed32Tag(LOG_RECORD.flags)
const TRACE_ID = lengthTag(LOG_RECORD.traceId)
const SPAN_ID = lengthTag(LOG_RECORD.spanId)
const OBSERVED_TIME = fixed64Tag(LOG_RECORD.observedTimeUnixNano)
const EVENT_NAME = lengthTag(LOG_RECORD.eventName)
const SCOPE_MESSAGE = lengthTag(SCOPE_LOGS.scope)
const SCOPE_NAME = lengthTag(SCOPE.name)
const SCOPE_VERSION = lengthTag(SCOPE.version)
const SCOPE_ATTRIBUTES = lengthTag(SCOPE.attributes)
const SCOPE_DROPPED_ATTRIBUTES = varintTag(SCOPE.droppedAttributesCount)
const RESOURCE_MESSAGE = lengthTag(RESOURCE_LOGS.resource)
const RESOURCE_ATTRIBUTES = lengthTag(RESOURCE.attributes)
const KEY = lengthTag(KEY_VALUE.key)
const VALUE = lengthTag(KEY_VALUE.value)
const STRING = lengthTag(ANY_VALUE.stringValue)
const BOOL = varintTag(ANY_VALUE.boolValue)
const INT = varintTag(ANY_VALUE.intValue)
const DOUBLE = fixed64Tag(ANY_VALUE.doubleValue)
const ARRAY = lengthTag(ANY_VALUE.arrayValue)
const MAP = lengthTag(ANY_VALUE.kvlistValue)
const BYTES = lengthTag(ANY_VALUE.bytesValue)
const ARRAY_ELEMENT = lengthTag(ARRAY_VALUE.values)
const MAP_FIELD = lengthTag(KEY_VALUE_LIST.values)

/** Warns at most once a minute. https://opentelemetry.io/docs/specs/otel/logs/sdk/#logrecord-limits */
function warnDropped(attributeCountLimit: number): void {
  rearm(DROPPED)
  warnOnce(
    DROPPED,
    `attributes of log records are dropped (logged once a minute): a record has more than ${attributeCountLimit}; ` +
      'set limits.attributeCountLimit, or OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
  )
}
const DROPPED = 'dropped-attributes'

/** Writes log records, scopes, and resources as OTLP into one buffer. */
export class RecordEncoder extends ProtobufWriter implements ValueSink {
  /**
   * Bytes of the length of the record before. Most records have as many, and a record whose length takes more or fewer bytes is moved, which
   * takes 20 ns (`pnpm bench encode`).
   */
  private recordLengthBytes = 1
  /** Trace context of the record before. */
  private lastSpan: (EncodedWords & { traceId: string; spanId: string; flags: number }) | undefined
  private readonly unlimited: ValueWriter = new ValueWriter(this, {})
  private limited: ValueWriter = this.unlimited
  private limits: ValueLimits = {}
  /** Tag of a KeyValue in the current parent: a LogRecord, a Resource, a scope, or a map. */
  private fieldTag = MAP_FIELD
  private readonly mapTags: number[] = []

  /**
   * Writes one `ScopeLogs.log_records`. After an error no byte of the record remains.
   * @param uid value of the attribute `log.record.uid`
   * @throws RangeError soon after the record exceeds `MAX_RECORD_BYTES`, so that the log call returns quickly
   */
  logRecord(record: EncodableRecord, limits: ValueLimits, uid?: string): void {
    const start = this.position
    this.ceiling = start + 2 * MAX_RECORD_BYTES
    const { severityNumber } = record
    try {
      this.begin(LOG_RECORDS, this.recordLengthBytes)
      this.fixed64(TIME, record.timestamp)
      if (severityNumber > 0) this.varintField(SEVERITY_NUMBER, severityNumber)
      if (record.severityText) this.stringField(SEVERITY_TEXT, record.severityText)
      if (record.body !== undefined) {
        const bodyLength = typeof record.body === 'string' ? record.body.length : 0
        // A right guess saves moving the text, 0.1 ns a byte (`pnpm bench growth-message`).
        const bodyBytes = varintSize(bodyLength + 1 + varintSize(bodyLength))
        this.begin(BODY, bodyBytes)
        if (typeof record.body === 'string') this.string(record.body)
        else this.unlimited.write(record.body)
        this.end(bodyBytes)
      }
      const overLimit = record.attributes ? this.attributes(RECORD_ATTRIBUTES, record.attributes, limits) : 0
      const dropped = record.droppedAttributesCount + overLimit
      // The official SDK has dropped attributes down to its own limit.
      if (dropped > 0) warnDropped(limits.attributeCountLimit ?? Object.keys(record.attributes ?? {}).length)
      if (uid !== undefined) this.attribute('log.record.uid', uid)
      if (dropped > 0) this.varintField(RECORD_DROPPED_ATTRIBUTES, dropped)
      if (record.spanContext) this.spanContext(record.spanContext)
      this.fixed64(OBSERVED_TIME, record.observedTimestamp)
      if (record.eventName) this.stringField(EVENT_NAME, record.eventName)
      this.recordLengthBytes = this.end(this.recordLengthBytes)
    } catch (error) {
      this.position = start
      this.open.length = 0
      this.mapTags.length = 0
      throw error
    }
  }

  /** Writes `ScopeLogs.scope`. */
  scope(scope: Scope): void {
    this.begin(SCOPE_MESSAGE)
    if (scope.name) this.stringField(SCOPE_NAME, scope.name)
    if (scope.version) this.stringField(SCOPE_VERSION, scope.version)
    if (scope.attributes) this.attributes(SCOPE_ATTRIBUTES, scope.attributes, {})
    if (scope.droppedAttributesCount) this.varintField(SCOPE_DROPPED_ATTRIBUTES, scope.droppedAttributesCount)
    this.end()
  }

  /** Writes `ResourceLogs.resource`. */
  resource(resource: Resource): void {
    this.begin(RESOURCE_MESSAGE)
    this.attributes(RESOURCE_ATTRIBUTES, resource.attributes, {})
    this.end()
  }

  // Implementation of ValueSink: the bridge's ValueWriter walks over a value, and these methods write the AnyValue.

  empty(): void {
    // An empty AnyValue has no bytes.
  }
  string(value: string): void {
    this.stringField(STRING, value)
  }
  bool(value: boolean): void {
    this.varintField(BOOL, value ? 1 : 0)
  }
  int(value: number | bigint): void {
    this.ensure(11)
    this.buffer[this.position++] = INT
    if (typeof value === 'number' && value >= 0) this.varint(value)
    else this.varint64(BigInt.asUintN(64, BigInt(value)))
  }
  double(value: number): void {
    this.ensure(9)
    this.buffer[this.position] = DOUBLE
    this.numbers.setFloat64(this.position + 1, value, true)
    this.position += 9
  }
  bytes(value: Uint8Array): void {
    this.ensure(6)
    this.buffer[this.position++] = BYTES
    this.varint(value.length)
    this.raw(value)
  }
  beginArray(): void {
    this.begin(ARRAY)
  }
  beginElement(): void {
    this.begin(ARRAY_ELEMENT)
  }
  endElement(): void {
    this.end()
  }
  endArray(): void {
    this.end()
  }
  beginMap(): void {
    this.mapTags.push(this.fieldTag)
    this.fieldTag = MAP_FIELD
    this.begin(MAP)
  }
  /**
   * Writes a whole field with one check for space and with lengths of one byte. Takes 25 ns a field, where `beginField`, the
   * value, and `endField` take 70 (`pnpm bench encode`). Repeats the rules of `ValueWriter.value` for these types;
   * `recordEncoder.property.test.ts` compares both.
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
      if (length > SHORT_TEXT) return false
      buffer[position] = STRING
      position += 2
      if (!this.asciiAt(position, value)) return false
      position += length
      buffer[valueStart + 1] = position - valueStart - 2
    } else if (typeof value === 'boolean') {
      buffer[position] = BOOL
      buffer[position + 1] = value ? 1 : 0
      position += 2
    } else if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      buffer[position] = DOUBLE
      numbers.setFloat64(position + 1, value, true)
      position += 9
    } else if (value >= 0) {
      buffer[position] = INT
      position = this.varintAt(position + 1, value)
    } else {
      return false
    }
    if (position - start >= 0x80) return false
    buffer[start - 2] = this.fieldTag
    buffer[start - 1] = position - start
    buffer[valueStart - 2] = VALUE
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
    this.begin(VALUE)
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
    this.begin(RECORD_ATTRIBUTES)
    this.stringField(KEY, key)
    this.begin(VALUE)
    this.stringField(STRING, value)
    this.end()
    this.end()
  }

  private key(key: string): void {
    const start = this.position
    this.stringField(KEY, key)
    if (key.length > MAX_KEY_LENGTH) return
    if (KEYS.size === MAX_KEYS) {
      missedKeys += 1
      if (missedKeys < MAX_MISSED_KEYS) return
      missedKeys = 0
      KEYS.clear()
    }
    // Copy the key, because a slice of a large text would keep that text in memory.
    KEYS.set(detachKey(key), this.wordsSince(start))
  }

  /** Writes flags and ids of a valid trace context. Consecutive records mostly share their trace context. */
  private spanContext(given: SpanContext): void {
    const { traceId, spanId, traceFlags } = given
    // A tracer that is not OpenTelemetry's may pass values of any type.
    if (typeof traceId !== 'string' || typeof spanId !== 'string' || typeof traceFlags !== 'number') return
    this.ensure(5 + 18 + 10 + 3)
    const { lastSpan } = this
    if (
      lastSpan !== undefined &&
      lastSpan.traceId === traceId &&
      lastSpan.spanId === spanId &&
      lastSpan.flags === traceFlags
    ) {
      // Copying takes 12 ns; checking and reading the digits takes 160 (`pnpm bench encode`).
      this.position = this.copyWords(lastSpan, this.position)
      return
    }
    if (!isSpanContextValid(given)) return
    const start = this.position
    if (traceFlags) {
      this.buffer[start] = FLAGS
      this.numbers.setUint32(start + 1, traceFlags & TRACE_FLAGS_MASK, true)
      this.position += 5
    }
    this.hex(TRACE_ID, traceId)
    this.hex(SPAN_ID, spanId)
    this.lastSpan = { traceId, spanId, flags: traceFlags, ...this.wordsSince(start) }
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
