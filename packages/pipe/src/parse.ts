import { checkOptions } from '@logbridge/bridge'
import { parseObject } from '@logbridge/bridge/internal'
import { setField } from './fields.ts'
import type { Format } from './formats/format.ts'
import { FORMATS } from './formats/formats.ts'
import { applyMap, type MappedKeys, mappedKeys } from './map.ts'
import { type LineOptions, lineOptionRules } from './options.ts'
import { createRecord } from './record.ts'
import { resolveSettings, type Settings } from './settings.ts'
import type { Fields, FormatName, OtlpLine, ParsedLine, ParsedRecord } from './types.ts'

const BRACE = 0x7b
const SIGNALS = { resourceLogs: 'logs', resourceSpans: 'traces', resourceMetrics: 'metrics' } as const

/** Parses the lines of one stream, whose format is kept from line to line. */
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
 * Creates a parser for the lines of one stream.
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function createLineParser(options: LineOptions = {}): LineParser {
  checkOptions('@logbridge/pipe', options, lineOptionRules)
  return createLineParsers(options)()
}

/** Creates a factory of parsers that share their options, which are checked. */
export function createLineParsers(options: LineOptions): () => LineParser {
  const settings = resolveSettings(options)
  const keys = options.map && mappedKeys(options.map)
  const { format = 'auto', keepOriginal = false } = options
  return () => createParser(settings, format, keys, keepOriginal)
}

function createParser(
  settings: Settings,
  name: FormatName | 'auto',
  keys: MappedKeys | undefined,
  keepOriginal: boolean,
): LineParser {
  const fixed = FORMATS.find((format) => format.name === name)
  let kept: Format | undefined

  function formatOf(fields: Fields, text: string): Format {
    if (fixed) return fixed
    // Most lines are of the format of the line before.
    if (kept?.recognizes(fields, text) !== true)
      kept = FORMATS.find((format) => format.recognizes(fields, text))!
    return kept
  }

  function parse(line: string): ParsedLine {
    const fields =
      name === 'text' || line.charCodeAt(firstCharacter(line)) !== BRACE ? undefined : parseObject(line)
    if (fields === undefined) return textRecord(line)
    if (name === 'auto' || name === 'otlp') {
      const signal = signalOf(fields)
      if (signal !== undefined) return { format: 'otlp', signal, json: line }
    }
    if (keys === undefined) return formatOf(fields, line).convert(fields, settings)
    const format = formatOf(fields, line)
    return applyMap(keys, fields, settings, () => format.convert(fields, settings))
  }

  return {
    parse(line) {
      const parsed = parse(line)
      if (keepOriginal && parsed.format !== 'otlp') setField(parsed.attributes, 'log.record.original', line)
      return parsed
    },
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
  for (const key of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[])
    if (Array.isArray(fields[key])) return SIGNALS[key]
  return undefined
}
