import { toAnyValue, toAnyValueMap, toTracedRecord } from './anyValue.ts'
import { createCallSiteLocator } from './callSite.ts'
import { Contents, contentsOf, EVENT_NAME, mayHaveSpanIds } from './contents.ts'
import { describeException } from './exception.ts'
import { findException, type FoundException, stackText } from './findException.ts'
import { createKeyMatcher, distinctKey } from './keys.ts'
import { copyFields, setOwn } from './safeAccess.ts'
import { createRedactor } from './redact.ts'
import { validSeverity } from './severity.ts'
import { ROOT_CONTEXT } from './spanContext.ts'
import { removeSpanFields } from './spanFields.ts'
import { stripEscapeSequences } from './text.ts'
import type { Context } from '@opentelemetry/api'
import type { Adapter, ApiLogRecord, Bridge, BridgeOptions, Classified, HrTime, LogRecord } from './types.ts'

/** Attribute for the own fields of an Error that was logged without a key. */
const KEYLESS_ERROR = 'error'

/** Builds the record of the Logs API from the record of an adapter. */
interface RecordBuilder<Native> extends Pick<Bridge<Native>, 'captureCallSite'> {
  /**
   * @param native read for `captureCode`
   * @param keepsValues leaves values as they are, because the provider copies them itself
   */
  (
    record: LogRecord,
    classified: Classified,
    native: Native,
    context: Context,
    observedTimestamp: HrTime,
    keepsValues: boolean,
  ): ApiLogRecord
}

/**
 * Makes the function that builds a record of the Logs API from an adapter's LogRecord: exception, event name, and the options that
 * shape attributes. Reads all options here, once.
 */
export function createRecordBuilder<Native>(
  options: BridgeOptions,
  callers?: Adapter<Native>['callers'],
): RecordBuilder<Native> {
  const { captureTemplate } = options
  const staticAttributes = Object.entries(copyFields(options.attributes ?? {}))
  const included = options.include && createKeyMatcher(options.include)
  const excluded = options.exclude && createKeyMatcher(options.exclude)
  const redact = options.redact ? createRedactor(options.redact) : undefined
  const locate = options.captureCode ? createCallSiteLocator(callers) : undefined

  function build(
    record: LogRecord,
    classified: Classified,
    native: Native,
    context: Context,
    observedTimestamp: HrTime,
    keepsValues: boolean,
  ): ApiLogRecord {
    let attributes = record.attributes ?? {}
    const contents = contentsOf(attributes)
    if (mayHaveSpanIds(contents) && context !== ROOT_CONTEXT) removeSpanFields(attributes, context)
    const eventName = (contents & Contents.eventName) === 0 ? undefined : attributes[EVENT_NAME]
    const isEvent = typeof eventName === 'string'
    if (isEvent) attributes = filterKeys(attributes, (key) => key !== EVENT_NAME)
    // Attributes at the front survive an attribute limit: the exception, then the record's own, then all others.
    const found =
      record.exception !== undefined
        ? { exception: record.exception, attributes }
        : findException(record.body, attributes, classified.severityNumber, contents)
    if (found) attributes = withException(found)
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
    if (locate) Object.assign(attributes, record.code ?? locate(native))
    if (excluded) attributes = filterKeys(attributes, (key) => !excluded(key))

    // Creates all fields at once, so that every record has one shape for the provider that reads it. A later assignment takes 2 ns:
    // `pnpm bench bunyan`.
    const built = {
      timestamp: record.timestamp ?? observedTimestamp,
      observedTimestamp,
      severityNumber: validSeverity(classified.severityNumber),
      severityText: classified.severityText,
      body: typeof record.body === 'string' ? stripEscapeSequences(record.body) : record.body,
      attributes,
      eventName: isEvent ? eventName : undefined,
      // Always set, because the official SDKs take `context: undefined` for "no context".
      context,
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

/**
 * Puts `exception.*` first, and replaces the exception among the attributes by its own fields. A field `stack` beside the exception that repeats
 * the stack is left out.
 */
function withException({ exception, attributes, within }: FoundException): Record<string, unknown> {
  const { attributes: result, extras } = describeException(exception)
  const stack = result['exception.stacktrace']
  const [holder, field] = within ?? []
  let isPlaced = false
  const place = (target: Record<string, unknown>, key: string, value: unknown): void => {
    if (value === exception) {
      isPlaced = true
      if (extras) setOwn(target, key, extras)
    } else if (key !== 'stack' || !isPartOf(value, stack)) {
      setOwn(target, key, value)
    }
  }
  for (const key of Object.keys(attributes)) {
    const value = attributes[key]
    if (key !== holder) {
      place(result, key, value)
      continue
    }
    const copy: Record<string, unknown> = {}
    const fields = copyFields(value as object)
    for (const name of Object.keys(fields)) place(copy, name, name === field ? exception : fields[name])
    setOwn(result, key, copy)
  }
  if (extras && !isPlaced) {
    result[distinctKey(KEYLESS_ERROR, (key) => Object.hasOwn(result, key))] = extras
  }
  return result
}

/** Tests if `stack`, the value of `exception.stacktrace`, begins with the value of a field `stack`. */
function isPartOf(value: unknown, stack: unknown): boolean {
  const text = stackText(value)
  return text !== undefined && text !== '' && typeof stack === 'string' && stack.startsWith(text)
}

function filterKeys(
  attributes: Record<string, unknown>,
  keep: (key: string) => boolean,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const key of Object.keys(attributes)) if (keep(key)) setOwn(kept, key, attributes[key])
  return kept
}
