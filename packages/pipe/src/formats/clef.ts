/*
 * Serilog, Compact Log Event Format. https://github.com/serilog/serilog-formatting-compact#format-details
 *
 * | line                       | LogRecord                                                                    |
 * | -------------------------- | ---------------------------------------------------------------------------- |
 * | `@t`                       | timestamp                                                                    |
 * | `@l`, absent: Information  | severityNumber: Verbose is 1; severityText                                   |
 * | `@m`, else `@mt` filled    | body                                                                         |
 * | `@mt`                      | `log.body.template`, when it differs from the body                           |
 * | `SourceContext`            | instrumentation scope                                                        |
 * | `@x`                       | `exception.type`, `.message`, `.stacktrace`                                  |
 * | `@tr`, `@sp`               | trace id, span id                                                            |
 * | `@@name`                   | attribute `@name`                                                            |
 * | all other fields, `@i`, …  | attributes                                                                   |
 */
import { parseStackTrace } from '../exceptions/java.ts'
import { moveLevelName, moveScope, moveText, moveTime, placeLevelName, rename, setField } from '../fields.ts'
import { createRecord } from '../record.ts'
import type { LevelNames } from '../settings.ts'
import { moveSpan } from '../traceContext.ts'
import type { Fields, ParsedRecord } from '../types.ts'
import type { Format } from './format.ts'

const LEVELS: LevelNames = { verbose: 1 }
/** Hole of a template, or an escaped brace: `{Name}`, `{@User}`, `{N:x8}`, `{{`. https://messagetemplates.org */
const HOLE = /\{\{|\}\}|\{[@$]?(\w+)(,-?\d+)?(:[^{}]*)?\}/g

export const clef: Format = {
  name: 'clef',
  recognizes: (fields) => typeof fields['@t'] === 'string',
  convert(fields, settings) {
    const record = createRecord('clef', fields)
    moveTime(record, fields, '@t', settings)
    if (fields['@l'] === undefined) placeLevelName(record, 'Information', settings)
    else if (typeof fields['@l'] === 'number') fields['@l'] = String(fields['@l'])
    moveLevelName(record, fields, '@l', settings, LEVELS)
    moveSpan(record, fields)
    placeMessage(record, fields)
    moveScope(record, fields, 'SourceContext')
    const stack = moveText(fields, '@x')
    if (stack !== undefined) record.exception = parseStackTrace(stack)
    for (const key of Object.keys(fields)) {
      if (!key.startsWith('@@') || Object.hasOwn(fields, key.slice(1))) continue
      setField(fields, key.slice(1), fields[key])
      fields[key] = undefined
    }
    return record
  },
}

function placeMessage(record: ParsedRecord, fields: Fields): void {
  const template = fields['@mt']
  const message = moveText(fields, '@m')
  if (typeof template !== 'string') {
    record.body = message
    return
  }
  record.body = message ?? fill(template, fields)
  if (template === record.body) fields['@mt'] = undefined
  else rename(fields, '@mt', 'log.body.template')
}

/** Puts properties in the place of their holes. Properties with a format come from the renderings. */
function fill(template: string, fields: Fields): string {
  const renderings: unknown = fields['@r']
  let next = 0
  const text = template.replace(
    HOLE,
    (hole, name: string | undefined, _align, format: string | undefined) => {
      if (name === undefined) return hole[0]!
      if (format !== undefined && Array.isArray(renderings) && next < renderings.length)
        return shown(renderings[next++])
      return Object.hasOwn(fields, name) ? shown(fields[name]) : hole
    },
  )
  // Each rendering stands in the body.
  if (next > 0 && next === (renderings as unknown[]).length) fields['@r'] = undefined
  return text
}

function shown(value: unknown): string {
  return typeof value === 'string'
    ? value
    : JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each))
}
