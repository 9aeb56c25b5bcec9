import { contextOfSpan, isFields } from '@logbridge/bridge/internal'
import type { HrTime } from '@logbridge/bridge'
import { createRecord } from '../record.ts'
import { setField } from '../fields.ts'
import type { Fields, ParsedRecord } from '../types.ts'

const NANOS = 1_000_000_000n

/** Instrumentation scope of a record, without its name. */
export interface ScopeDetails {
  readonly version: string | undefined
  readonly schemaUrl: string | undefined
  readonly attributes: Fields | undefined
}

/** Log record of a request, with its resource and scope. */
export interface RequestRecord {
  readonly record: ParsedRecord
  readonly scope: ScopeDetails
}

/**
 * Reads the log records of an export request in OTLP's JSON encoding, for options that change records. Counts of dropped attributes are left
 * out. https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 *
 * @param request checked by `Forwarder.check`. Numbers may be texts or bigints, and absent fields `null`
 */
export function recordsOfRequest(request: Fields): RequestRecord[] {
  const records: RequestRecord[] = []
  for (const { resource, scopeLogs } of listOf(request['resourceLogs'])) {
    const resourceAttributes = attributesOf(resource)
    for (const { scope, schemaUrl, logRecords } of listOf(scopeLogs)) {
      const { name, version, attributes } = isFields(scope) ? scope : ({} as Fields)
      const details: ScopeDetails = {
        version: textOf(version),
        schemaUrl: textOf(schemaUrl),
        attributes: Array.isArray(attributes) && attributes.length > 0 ? attributesOf(scope) : undefined,
      }
      for (const fields of listOf(logRecords)) {
        const record = recordOf(fields)
        record.scope = textOf(name)
        record.resource = resourceAttributes
        records.push({ record, scope: details })
      }
    }
  }
  return records
}

function recordOf(fields: Fields): ParsedRecord {
  const record: ParsedRecord = createRecord('json', attributesOf(fields))
  const { severityNumber, severityText, body, eventName, traceId, spanId, flags } = fields
  record.timestamp = timeOf(fields['timeUnixNano'])
  record.observedTimestamp = timeOf(fields['observedTimeUnixNano'])
  if (isGiven(severityNumber))
    record.severityNumber = Number(severityNumber) as ParsedRecord['severityNumber']
  record.severityText = textOf(severityText)
  record.body = valueOf(body)
  const event = textOf(eventName)
  // The bridge moves this attribute to the event name.
  if (event !== undefined) record.attributes['otel.event.name'] = event
  if (typeof traceId === 'string' && traceId !== '')
    record.context = contextOfSpan({
      traceId,
      spanId: typeof spanId === 'string' ? spanId : '',
      // The low 8 bits are the flags of W3C Trace Context.
      traceFlags: Number(flags ?? 0) & 0xff,
    })
  return record
}

function timeOf(nanos: unknown): HrTime | undefined {
  if (!isGiven(nanos)) return undefined
  const time = BigInt(nanos as string)
  return time === 0n ? undefined : [Number(time / NANOS), Number(time % NANOS)]
}

/** Reads an AnyValue. */
function valueOf(value: unknown): unknown {
  if (!isFields(value)) return undefined
  const { stringValue, boolValue, intValue, doubleValue, arrayValue, kvlistValue, bytesValue } = value
  if (isGiven(stringValue)) return stringValue
  if (isGiven(boolValue)) return boolValue
  if (isGiven(intValue)) return BigInt(intValue as string)
  if (isGiven(doubleValue)) return Number(doubleValue)
  if (isFields(arrayValue)) return listOf(arrayValue['values']).map((item) => valueOf(item) ?? null)
  if (isFields(kvlistValue)) return mapOf(kvlistValue['values'])
  if (typeof bytesValue === 'string') return Uint8Array.from(Buffer.from(bytesValue, 'base64'))
  return undefined
}

/** Tests if a field is there. `null` is an absent field. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function attributesOf(holder: unknown): Fields {
  return mapOf(isFields(holder) ? holder['attributes'] : undefined)
}

function mapOf(pairs: unknown): Fields {
  const map: Fields = {}
  for (const { key, value } of listOf(pairs))
    if (typeof key === 'string') setField(map, key, valueOf(value) ?? null)
  return map
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : []
}

/** Returns a text; `undefined` for an empty one, which OTLP takes for no text. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
