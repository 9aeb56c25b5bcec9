import { checkOptions } from '@logbridge/bridge'
import { parseObject } from '@logbridge/bridge/internal'
import { setField } from './fields.ts'
import type { Format } from './formats/format.ts'
import { FORMATS } from './formats/formats.ts'
import { json } from './formats/json.ts'
import { hasEqualKeys, type LenientResult, parseLenient } from './lenientJson.ts'
import { applyMap, mappedKeys } from './map.ts'
import { type LineOptions, lineOptionRules } from './options.ts'
import { createRecord } from './record.ts'
import { resolveSettings } from './settings.ts'
import type { Fields, FormatName, OtlpLine, ParsedLine, ParsedRecord } from './types.ts'

const BRACE = 0x7b
/** Signals, with the field of an export request that tells them apart. */
export const SIGNALS: readonly (readonly [signal: OtlpLine['signal'], key: string])[] = [
  ['logs', 'resourceLogs'],
  ['traces', 'resourceSpans'],
  ['metrics', 'resourceMetrics'],
]

/** Parses lines. */
export interface LineParser {
  /** Parses one line, without its line break. Never throws. */
  parse(line: string): ParsedLine
}

/**
 * Parses a single line.
 *
 * @param line without its line break
 * @param format name of the format; `auto` finds it
 * @throws LogbridgeError `INVALID_OPTION`
 * @example
 * ```ts
 * parseLine('{"level":30,"time":1790000000000,"msg":"order placed"}').severityNumber // 9
 * ```
 */
export function parseLine(
  line: string,
  format: FormatName | 'auto' = 'auto',
  options: LineOptions = {},
): ParsedLine {
  return createLineParser({ ...options, format }).parse(line)
}

/**
 * Creates a parser, which finds the format of each line by its keys. The format of the line before says nothing: formats share keys, so that a
 * kept format would read the lines of others.
 *
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function createLineParser(options: LineOptions = {}): LineParser {
  checkOptions('@logbridge/pipe', options, lineOptionRules)
  const settings = resolveSettings(options)
  const keys = options.map && mappedKeys(options.map)
  const { format: name = 'auto', keepOriginal = false } = options
  const fixed = FORMATS.find((format) => format.name === name)

  function otlpLine(request: Fields, json: string): OtlpLine | undefined {
    const signal = name === 'auto' || name === 'otlp' ? signalOf(request) : undefined
    return signal && { format: 'otlp', signal, json, request }
  }

  function convert(fields: Fields, line: string): ParsedRecord {
    const format = fixed ?? formatOf(fields, line)
    if (keys === undefined) return format.convert(fields, settings)
    return applyMap(keys, fields, settings, () => format.convert(fields, settings))
  }

  function parse(line: string): ParsedLine {
    if (name === 'text' || line.charCodeAt(firstCharacter(line)) !== BRACE) return textRecord(line)
    const fields = parseObject(line)
    const otlp = fields && otlpLine(fields, line)
    if (otlp !== undefined) return otlp
    if (fields !== undefined && !hasEqualKeys(line, fields)) return convert(fields, line)
    // Without an object, the line may have Python's NaN.
    const lenient = fields !== undefined || /NaN|Infinity/.test(line) ? parseLenient(line) : undefined
    if (lenient === undefined) return fields === undefined ? textRecord(line) : convert(fields, line)
    const lenientOtlp = otlpLine(lenient.fields, line)
    if (lenientOtlp !== undefined) return lenientOtlp
    const parsed = convert(lenient.fields, line)
    restoreKeys(parsed.attributes, lenient.renamed)
    return parsed
  }

  /** Parses a line. A line that no format can convert is a text, such as one with an object `{"toString": 1}` in the place of a name. */
  function parseGuarded(line: string): ParsedLine {
    try {
      return parse(line)
    } catch {
      return textRecord(line)
    }
  }

  return {
    parse(line) {
      const parsed = parseGuarded(line)
      if (keepOriginal && parsed.format !== 'otlp') setField(parsed.attributes, 'log.record.original', line)
      return parsed
    },
  }
}

/** Returns the first format that recognizes a line. */
function formatOf(fields: Fields, text: string): Format {
  for (const format of FORMATS) if (format.recognizes(fields, text)) return format
  return json
}

/** Gives an attribute its own key back, when the other field with this key has been moved. */
function restoreKeys(attributes: Fields, renamed: LenientResult['renamed']): void {
  for (const [key, name] of renamed) {
    if (attributes[key] !== undefined || attributes[name] === undefined) continue
    setField(attributes, key, attributes[name])
    delete attributes[name]
  }
}

function textRecord(line: string): ParsedRecord {
  const record = createRecord('text', {})
  record.body = line
  return record
}

/** Returns the index of the first character that is no blank. */
function firstCharacter(line: string): number {
  let at = 0
  while (line.charCodeAt(at) === 0x20 || line.charCodeAt(at) === 0x09) at += 1
  return at
}

function signalOf(fields: Fields): OtlpLine['signal'] | undefined {
  for (const [signal, key] of SIGNALS) if (Array.isArray(fields[key])) return signal
  return undefined
}
