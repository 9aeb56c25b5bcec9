/*
 * Elastic Common Schema, with dotted or nested keys. https://www.elastic.co/guide/en/ecs-logging/overview/current/intro.html
 *
 * | line                                              | LogRecord                                                      |
 * | ------------------------------------------------- | -------------------------------------------------------------- |
 * | `@timestamp`                                      | timestamp                                                      |
 * | `log.level`                                       | severityNumber, severityText without blanks                    |
 * | `message`                                         | body                                                           |
 * | `log.logger`                                      | instrumentation scope                                          |
 * | `service.*`                                       | resource                                                       |
 * | `trace.id`, `span.id`, else `transaction.id`      | trace id, span id                                              |
 * | `process.thread.name`, `process.thread.id`        | `thread.name`, `thread.id`                                     |
 * | `log.origin.*`                                    | `code.file.path`, `code.line.number`, `code.function.name`     |
 * | `error.type`, `.message`, `.stack_trace`          | `exception.type`, `.message`, `.stacktrace`                    |
 * | all other fields, `labels`                        | attributes with dotted names                                   |
 */
import type { SerializedError } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { addField, moveLevelName, move, moveScope, moveText, moveTime, rename } from '../fields.ts'
import { createRecord } from '../record.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'

/** Depth to which nested keys are written as dotted names. */
const MAX_DEPTH = 16
/** Attributes of the resource that have another name in OpenTelemetry. */
const RESOURCE_NAMES: Readonly<Record<string, string>> = {
  'service.environment': 'deployment.environment.name',
  'service.node.name': 'service.instance.id',
}

export const ecs: Format = {
  name: 'ecs',
  recognizes: (fields) =>
    fields['@timestamp'] !== undefined &&
    fields['@version'] === undefined &&
    (fields['ecs.version'] !== undefined ||
      fields['log.level'] !== undefined ||
      isFields(fields['ecs']) ||
      (isFields(fields['log']) && fields['log']['level'] !== undefined)),
  convert(fields, settings) {
    const attributes: Fields = {}
    flatten(fields, '', attributes, 0)
    const record = createRecord('ecs', attributes)
    moveTime(record, attributes, '@timestamp', settings)
    moveLevelName(record, attributes, 'log.level', settings)
    record.body = move(attributes, 'message')
    moveScope(record, attributes, 'log.logger')
    placeSpan(record, attributes)
    placeResource(record, attributes)
    rename(attributes, 'process.thread.name', 'thread.name')
    rename(attributes, 'process.thread.id', 'thread.id')
    rename(attributes, 'log.origin.file.name', 'code.file.path')
    rename(attributes, 'log.origin.file.line', 'code.line.number')
    rename(attributes, 'log.origin.function', 'code.function.name')
    placeException(record, attributes)
    return record
  },
}

/** Writes nested keys as dotted names, because ECS takes both for the same. */
function flatten(fields: Fields, prefix: string, target: Fields, depth: number): void {
  for (const key in fields) {
    const value = fields[key]
    const name = prefix + key
    if (isFields(value) && depth < MAX_DEPTH && Object.keys(value).length > 0)
      flatten(value, `${name}.`, target, depth + 1)
    else addField(target, name, value, 'line.')
  }
}

/** Moves the span. A transaction is the root span of its service. */
function placeSpan(record: ParsedRecord, attributes: Fields): void {
  if (moveSpan(record, attributes)) return
  const transaction = attributes['transaction.id']
  if (transaction === undefined || attributes['span.id'] !== undefined) return
  attributes['span.id'] = transaction
  if (moveSpan(record, attributes)) attributes['transaction.id'] = undefined
  else attributes['span.id'] = undefined
}

function placeResource(record: ParsedRecord, attributes: Fields): void {
  for (const key of Object.keys(attributes)) {
    if (!key.startsWith('service.')) continue
    const value = attributes[key]
    if (value === undefined || value === null || typeof value === 'object') continue
    record.resource ??= {}
    record.resource[RESOURCE_NAMES[key] ?? key] = value
    attributes[key] = undefined
  }
}

function placeException(record: ParsedRecord, attributes: Fields): void {
  const exception: SerializedError = {}
  const type = moveText(attributes, 'error.type')
  const message = moveText(attributes, 'error.message')
  const stack = moveText(attributes, 'error.stack_trace')
  if (type !== undefined) exception.type = type
  if (message !== undefined) exception.message = message
  if (stack !== undefined) exception.stack = stack
  if (Object.keys(exception).length > 0) record.exception = exception
}
