import { toAnyValue, toAnyValueMap, toTracedRecord } from './anyValue.ts'
import { createCallSiteLocator } from './callSite.ts'
import { describeException } from './exception.ts'
import { createKeyMatcher, distinctKey } from './keys.ts'
import { copyFields, setOwn } from './safeAccess.ts'
import { createRedactor } from './redact.ts'
import { stripEscapeSequences } from './text.ts'
import type { ApiLogRecord, Bridge, BridgeOptions, Classified, LogRecord } from './types.ts'

const EVENT_NAME = 'otel.event.name'
/** Attribute for the own fields of an Error that was logged without a key. */
const KEYLESS_ERROR = 'error'

/** Builds the record of the Logs API from the record of an adapter. */
interface RecordBuilder extends Pick<Bridge<unknown>, 'captureCallSite'> {
  /** @param keepsValues leaves values as they are, because the provider copies them itself */
  (record: LogRecord, classified: Classified, keepsValues: boolean): ApiLogRecord
}

/**
 * Makes the function that builds a record of the Logs API from an adapter's LogRecord: exception, event name and the options that
 * shape attributes. All options are read here, once.
 */
export function createRecordBuilder(options: BridgeOptions): RecordBuilder {
  const { captureTemplate } = options
  const staticAttributes = Object.entries(copyFields(options.attributes ?? {}))
  const included = options.include && createKeyMatcher(options.include)
  const excluded = options.exclude && createKeyMatcher(options.exclude)
  const redact = options.redact ? createRedactor(options.redact) : undefined
  const locate = options.captureCode ? createCallSiteLocator() : undefined

  function build(record: LogRecord, classified: Classified, keepsValues: boolean): ApiLogRecord {
    let attributes = record.attributes ?? {}
    const eventName = attributes[EVENT_NAME]
    const isEvent = typeof eventName === 'string'
    if (isEvent) attributes = filterKeys(attributes, (key) => key !== EVENT_NAME)
    // Attributes at the front survive an attribute limit: the exception, then the record's own, then all others.
    if (record.exception !== undefined) attributes = withException(attributes, record.exception)
    if (included) {
      attributes = filterKeys(attributes, (key) => key.startsWith('exception.') || included(key))
    }
    for (const [key, value] of staticAttributes) {
      if (!Object.hasOwn(attributes, key)) setOwn(attributes, key, value)
    }
    if (captureTemplate && record.template) {
      attributes['log.body.template'] = record.template.template
      attributes['log.body.parameters'] = record.template.parameters
    }
    if (locate) Object.assign(attributes, record.code ?? locate())
    if (excluded) attributes = filterKeys(attributes, (key) => !excluded(key))

    // Creates all fields at once, so that every record has one shape for the provider that reads it.
    const built = {
      timestamp: record.timestamp,
      observedTimestamp: record.observedTimestamp,
      severityNumber: classified.severityNumber,
      severityText: classified.severityText,
      body: typeof record.body === 'string' ? stripEscapeSequences(record.body) : record.body,
      attributes,
      eventName: isEvent ? eventName : undefined,
      context: record.context,
    } as ApiLogRecord
    const { body } = built
    if (redact) {
      const traced = toTracedRecord(body, attributes)
      redact(traced)
      built.body = traced.plain.body
      built.attributes = traced.plain.attributes
    } else if (!keepsValues) {
      built.body = body === undefined ? undefined : toAnyValue(body)
      built.attributes = toAnyValueMap(attributes)
    }
    return built
  }
  return Object.assign(build, { captureCallSite: locate })
}

/** Puts `exception.*` first, and replaces the Error among the attributes by its own fields. */
function withException(
  attributes: Record<string, unknown>,
  exception: NonNullable<LogRecord['exception']>,
): Record<string, unknown> {
  const { attributes: result, extras } = describeException(exception)
  let isPlaced = false
  for (const key of Object.keys(attributes)) {
    const value = attributes[key]
    if (value !== exception) {
      setOwn(result, key, value)
    } else {
      isPlaced = true
      if (extras) setOwn(result, key, extras)
    }
  }
  if (extras && !isPlaced) {
    result[distinctKey(KEYLESS_ERROR, (key) => Object.hasOwn(result, key))] = extras
  }
  return result
}

function filterKeys(
  attributes: Record<string, unknown>,
  keep: (key: string) => boolean,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(attributes)) if (keep(key)) setOwn(kept, key, attributes[key])
  return kept
}
