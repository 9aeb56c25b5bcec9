import {
  EXPORT_LOGS_REQUEST,
  fixed64Tag,
  lengthTag,
  LOG_RECORD,
  RESOURCE_LOGS,
  SCOPE_LOGS,
  varintTag,
} from './fields.ts'
import type { Batch } from './openBatch.ts'
import { ProtobufWriter } from './protobufWriter.ts'

const RESOURCE_LOGS_TAG = lengthTag(EXPORT_LOGS_REQUEST.resourceLogs)
const SCOPE_LOGS_TAG = lengthTag(RESOURCE_LOGS.scopeLogs)
const TIME_TAG = fixed64Tag(LOG_RECORD.timeUnixNano)
const SEVERITY_NUMBER_TAG = varintTag(LOG_RECORD.severityNumber)

const scratch = new ProtobufWriter()

/** Encodes a batch as an `ExportLogsServiceRequest`. */
export function encodeRequest({ resource, body, isRequest }: Batch): Uint8Array {
  if (isRequest) return body
  const resourceBytes = resource.bytes()
  scratch.begin(RESOURCE_LOGS_TAG)
  scratch.raw(resourceBytes)
  scratch.raw(body)
  scratch.end()
  return scratch.take()
}

/** Joins requests into one request. Consecutive records of one resource and scope are grouped, as in a batch. */
export function joinRequests(requests: readonly Uint8Array[]): Buffer {
  let open: SingleScope | undefined
  for (const request of requests) {
    const single = singleScopeOf(request)
    const isSameScope =
      open && single && open.resource.equals(single.resource) && open.scope.equals(single.scope)
    if (open && !isSameScope) {
      scratch.end()
      scratch.end()
    }
    if (single && !isSameScope) {
      scratch.begin(RESOURCE_LOGS_TAG)
      scratch.raw(single.resource)
      scratch.begin(SCOPE_LOGS_TAG)
      scratch.raw(single.scope)
    }
    open = single
    // Concatenated protobuf messages are one message with the fields of all.
    scratch.raw(single?.records ?? request)
  }
  if (open) {
    scratch.end()
    scratch.end()
  }
  return scratch.take()
}

/** Parts of a request with records of one scope. Each part includes the tags of its fields. */
interface SingleScope {
  readonly resource: Buffer
  readonly scope: Buffer
  readonly records: Buffer
}

/** Divides a request into its parts. Returns `undefined` for a request of several scopes or in another order of fields. */
function singleScopeOf(request: Uint8Array): SingleScope | undefined {
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.length)
  const resourceLogs = fieldAt(bytes, 0, bytes.length)
  if (resourceLogs?.number !== EXPORT_LOGS_REQUEST.resourceLogs || resourceLogs.end !== bytes.length) {
    return undefined
  }
  const { scopeLogs: scopeLogsNumber } = RESOURCE_LOGS
  const resource = endOfRun(bytes, resourceLogs.content, resourceLogs.end, scopeLogsNumber, false)
  const scopeLogs = fieldAt(bytes, resource, resourceLogs.end)
  if (scopeLogs?.end !== resourceLogs.end) return undefined
  const { logRecords } = SCOPE_LOGS
  const scope = endOfRun(bytes, scopeLogs.content, scopeLogs.end, logRecords, false)
  if (endOfRun(bytes, scope, scopeLogs.end, logRecords, true) !== scopeLogs.end) return undefined
  return {
    resource: bytes.subarray(resourceLogs.content, resource),
    scope: bytes.subarray(scopeLogs.content, scope),
    records: bytes.subarray(scope, scopeLogs.end),
  }
}

/**
 * Finds the end of consecutive fields.
 * @param isNumber true for fields of this number, false for fields of other numbers
 */
function endOfRun(bytes: Buffer, start: number, end: number, number: number, isNumber: boolean): number {
  let at = start
  for (let field = fieldAt(bytes, at, end); field !== undefined; field = fieldAt(bytes, at, end)) {
    if ((field.number === number) !== isNumber) break
    at = field.end
  }
  return at
}

/** Length-delimited field, with its positions in the request. */
interface Field {
  readonly number: number
  /** Position of the tag. */
  readonly start: number
  readonly content: number
  readonly end: number
}

/** Reads the length-delimited field at a position. Returns `undefined` for another wire type and beyond `end`. */
function fieldAt(bytes: Uint8Array, start: number, end: number): Field | undefined {
  const tag = bytes[start]!
  // A tag of one byte with the wire type of a length.
  if (start >= end || (tag & 0x87) !== 2) return undefined
  let content = start + 1
  let length = 0
  for (let scale = 1; content < end; scale *= 128) {
    const byte = bytes[content++]!
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  return content + length > end ? undefined : { number: tag >>> 3, start, content, end: content + length }
}

/**
 * Iterates over the fields of a message between two positions.
 * @throws RangeError for a field that the encoder does not write there
 */
function* fieldsBetween(bytes: Uint8Array, start: number, end: number): Generator<Field> {
  for (let at = start; at < end;) {
    const field = fieldAt(bytes, at, end)
    if (field === undefined) throw new RangeError(`request has an unknown field at ${at}`)
    yield field
    at = field.end
  }
}

/** Counts the records of a request of any signal: log records, spans, or metrics. All envelopes have the same numbers of fields. */
export function countRecords(request: Uint8Array): number {
  let count = 0
  for (const resourceLogs of fieldsBetween(request, 0, request.length)) {
    for (const field of fieldsBetween(request, resourceLogs.content, resourceLogs.end)) {
      if (field.number !== RESOURCE_LOGS.scopeLogs) continue
      for (const { number } of fieldsBetween(request, field.content, field.end)) {
        if (number === SCOPE_LOGS.logRecords) count += 1
      }
    }
  }
  return count
}

/**
 * Splits a request of any signal into two requests with half of the records each.
 * @param count number of records in the request, 2 or more
 */
export function splitRequest(request: Uint8Array, count: number): [Uint8Array, Uint8Array] {
  const half = count >>> 1
  return [part((index) => index < half), part((index) => index >= half)]

  function part(includes: (index: number) => boolean): Uint8Array {
    let index = 0
    for (const resourceLogs of fieldsBetween(request, 0, request.length)) {
      scratch.begin(RESOURCE_LOGS_TAG)
      for (const field of fieldsBetween(request, resourceLogs.content, resourceLogs.end)) {
        if (field.number === RESOURCE_LOGS.scopeLogs) scopeLogs(field)
        else scratch.raw(request.subarray(field.start, field.end))
      }
      scratch.end()
    }
    return scratch.take()

    function scopeLogs({ content, end }: Field): void {
      const fields: Uint8Array[] = []
      let records = 0
      for (const field of fieldsBetween(request, content, end)) {
        const isRecord = field.number === SCOPE_LOGS.logRecords
        if (isRecord && !includes(index++)) continue
        if (isRecord) records += 1
        fields.push(request.subarray(field.start, field.end))
      }
      if (records === 0) return
      scratch.begin(SCOPE_LOGS_TAG)
      for (const bytes of fields) scratch.raw(bytes)
      scratch.end()
    }
  }
}

/**
 * Counts the records of a request or a batch by severity number. Reads only the tags on the way to the severity, because a walk over
 * all fields would block the event loop for milliseconds while a receiver refuses every request (`pnpm bench stalls`).
 */
export function severitiesOf(of: Uint8Array | Batch): Map<number, number> {
  const counts = new Map<number, number>()
  const isBatch = 'body' in of
  const request = isBatch ? of.body : of
  let position = 0

  function varint(): number {
    let value = 0
    for (let scale = 1; position < request.length; scale *= 128) {
      const byte = request[position++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
    }
    return value
  }
  /** Walks over a message whose fields are all length-delimited, as in a request, ResourceLogs, and ScopeLogs. */
  function walk(end: number, depth: number): void {
    while (position < end) {
      const field = varint() >>> 3
      const next = Math.min(varint() + position, end)
      if (field === PATH_TO_RECORDS[depth]) {
        if (depth === PATH_TO_RECORDS.length - 1) record(next)
        else walk(next, depth + 1)
      }
      position = next
    }
  }
  /** Reads the severity number, which follows the nine bytes of the timestamp in each encoded record. */
  function record(end: number): void {
    if (request[position] === TIME_TAG) position += 9
    const severityNumber =
      position < end && request[position] === SEVERITY_NUMBER_TAG ? request[position + 1]! : 0
    counts.set(severityNumber, (counts.get(severityNumber) ?? 0) + 1)
  }

  walk(request.length, isBatch && !of.isRequest ? 1 : 0)
  return counts
}

const PATH_TO_RECORDS = [EXPORT_LOGS_REQUEST.resourceLogs, RESOURCE_LOGS.scopeLogs, SCOPE_LOGS.logRecords]
