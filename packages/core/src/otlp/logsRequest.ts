import { HEADROOM_BYTES, markHeadroom } from './headroom.ts'
import { readFields } from './protobufReader.ts'
import type { Batch } from './openBatch.ts'
import { ProtobufWriter } from './protobufWriter.ts'

const scratch = new ProtobufWriter()

/** A batch as an `ExportLogsServiceRequest`. */
export function encodeRequest({ resource, body, isRequest }: Batch): Uint8Array {
  if (isRequest) return markHeadroom(body)
  const resourceBytes = resource.bytes()
  scratch.skip(HEADROOM_BYTES)
  scratch.begin(0x0a)
  scratch.raw(resourceBytes)
  scratch.raw(body)
  scratch.end()
  return markHeadroom(scratch.take().subarray(HEADROOM_BYTES))
}

/** Several requests as one: records of the same resource and scope that follow one another stand together, as in a batch. */
export function joinRequests(requests: readonly Uint8Array[]): Uint8Array {
  let open: SingleScope | undefined
  scratch.skip(HEADROOM_BYTES)
  for (const request of requests) {
    const single = singleScopeOf(request)
    const goesOn = open && single && open.resource.equals(single.resource) && open.scope.equals(single.scope)
    if (open && !goesOn) {
      scratch.end()
      scratch.end()
    }
    if (single && !goesOn) {
      scratch.begin(0x0a)
      scratch.raw(single.resource)
      scratch.begin(0x12)
      scratch.raw(single.scope)
    }
    open = single
    // Protobuf messages one after another are one message, with all that they hold.
    scratch.raw(single?.records ?? request)
  }
  if (open) {
    scratch.end()
    scratch.end()
  }
  return markHeadroom(scratch.take().subarray(HEADROOM_BYTES))
}

/** A request with records of one scope, in three parts, each with the tags of its fields. */
interface SingleScope {
  readonly resource: Buffer
  readonly scope: Buffer
  readonly records: Buffer
}

/** The parts of a request as we make most of them; `undefined` for another. */
function singleScopeOf(request: Uint8Array): SingleScope | undefined {
  const bytes = Buffer.from(request.buffer, request.byteOffset, request.length)
  const resourceLogs = fieldAt(bytes, 0, bytes.length)
  if (resourceLogs?.number !== 1 || resourceLogs.end !== bytes.length) return undefined
  const resource = encodedRunFrom(bytes, resourceLogs.content, resourceLogs.end, false)
  const scopeLogs = fieldAt(bytes, resource, resourceLogs.end)
  if (scopeLogs?.end !== resourceLogs.end) return undefined
  const scope = encodedRunFrom(bytes, scopeLogs.content, scopeLogs.end, false)
  if (encodedRunFrom(bytes, scope, scopeLogs.end, true) !== scopeLogs.end) return undefined
  return {
    resource: bytes.subarray(resourceLogs.content, resource),
    scope: bytes.subarray(scopeLogs.content, scope),
    records: bytes.subarray(scope, scopeLogs.end),
  }
}

/** The end of a run of fields that are number 2, or are not. ResourceLogs and ScopeLogs have what is repeated there. */
function encodedRunFrom(bytes: Buffer, start: number, end: number, isSecond: boolean): number {
  let at = start
  for (let field = fieldAt(bytes, at, end); field !== undefined; field = fieldAt(bytes, at, end)) {
    if ((field.number === 2) !== isSecond) break
    at = field.end
  }
  return at
}

/** The field that begins at a position, where it has a length and ends in time. */
function fieldAt(
  bytes: Buffer,
  start: number,
  end: number,
): { number: number; content: number; end: number } | undefined {
  const tag = bytes[start]!
  // One byte of tag, with the wire type of a length.
  if (start >= end || (tag & 0x87) !== 2) return undefined
  let content = start + 1
  let length = 0
  for (let scale = 1; content < end; scale *= 128) {
    const byte = bytes[content++]!
    length += (byte & 0x7f) * scale
    if (byte < 0x80) break
  }
  return content + length > end ? undefined : { number: tag >>> 3, content, end: content + length }
}

/**
 * Two requests with half of the records each, by walking over the encoded ones.
 * @param count records in the request: 2 or more
 */
export function splitRequest(request: Uint8Array, count: number): [Uint8Array, Uint8Array] {
  const half = count >>> 1
  return [part((index) => index < half), part((index) => index >= half)]

  function part(belongs: (index: number) => boolean): Uint8Array {
    let index = 0
    for (const { value: resourceLogs } of readFields(request)) {
      scratch.begin(0x0a)
      for (const field of readFields(resourceLogs as Uint8Array)) {
        if (field.number === 2) scopeLogs(field.value as Uint8Array)
        else scratch.raw((resourceLogs as Uint8Array).subarray(field.start, field.end))
      }
      scratch.end()
    }
    return scratch.take()

    function scopeLogs(message: Uint8Array): void {
      const kept: Uint8Array[] = []
      let records = 0
      for (const field of readFields(message)) {
        const isRecord = field.number === 2
        if (isRecord && !belongs(index++)) continue
        if (isRecord) records += 1
        kept.push(message.subarray(field.start, field.end))
      }
      if (records === 0) return
      scratch.begin(0x12)
      for (const bytes of kept) scratch.raw(bytes)
      scratch.end()
    }
  }
}

/**
 * How many of a request's, or of a batch's, records have each severity number. Over 512 KiB in 0.1 ms, where a walk by `fields` takes 6: a
 * receiver that refuses everything must not hold the event loop up.
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
  /** ResourceLogs and ScopeLogs have fields of the one wire type that has a length. */
  function walk(end: number, path: number): void {
    while (position < end) {
      const field = varint() >>> 3
      const next = Math.min(varint() + position, end)
      if (field === PATH_TO_RECORDS[path]) {
        if (path === PATH_TO_RECORDS.length - 1) record(next)
        else walk(next, path + 1)
      }
      position = next
    }
  }
  /** Its timestamp comes first, in nine bytes, then the severity number, if it has one. */
  function record(end: number): void {
    if (request[position] === 0x09) position += 9
    const severityNumber = position < end && request[position] === 0x10 ? request[position + 1]! : 0
    counts.set(severityNumber, (counts.get(severityNumber) ?? 0) + 1)
  }

  walk(request.length, isBatch && !of.isRequest ? 1 : 0)
  return counts
}

/** `ExportLogsServiceRequest.resource_logs`, `.scope_logs`, `.log_records` */
const PATH_TO_RECORDS = [1, 2, 2]
