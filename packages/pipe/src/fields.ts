import { numericSeverity, type SeverityScale } from '@logbridge/bridge'
import { isFields } from '@logbridge/bridge/internal'
import { parseTime } from './time.ts'
import { type LevelNames, type Settings, severityOfName } from './settings.ts'
import type { Fields, ParsedRecord } from './types.ts'

/*
 * Functions that move a field of a line to its place in the record. A moved field is set to `undefined`, because deleted fields make an
 * object slow: `pnpm bench pipe`. A field of another type than its place needs stays an attribute.
 */

/** Moves a field out of the attributes, whatever its type. */
export function move(fields: Fields, key: string): unknown {
  const value = fields[key]
  if (value !== undefined) fields[key] = undefined
  return value
}

/** Moves a field out of the attributes when it is a text. */
export function moveText(fields: Fields, key: string): string | undefined {
  const value = fields[key]
  if (typeof value !== 'string') return undefined
  fields[key] = undefined
  return value
}

/** Moves a field that is a time. */
export function moveTime(record: ParsedRecord, fields: Fields, key: string, { zone }: Settings): void {
  const value = fields[key]
  if (value === undefined) return
  const time = parseTime(value, zone)
  if (time === undefined) return
  record.timestamp = time
  fields[key] = undefined
}

/** Moves a level that is a name. */
export function moveLevelName(
  record: ParsedRecord,
  fields: Fields,
  key: string,
  settings: Settings,
  names?: LevelNames,
): void {
  const level = moveText(fields, key)
  if (level !== undefined) placeLevelName(record, level, settings, names)
}

export function placeLevelName(
  record: ParsedRecord,
  level: string,
  settings: Settings,
  names?: LevelNames,
): void {
  // ECS pads names with blanks.
  const name = level.trim()
  record.severityText = name
  record.severityNumber = severityOfName(name, settings, names)
}

/**
 * Moves the number of a level. Beside a name, a number that says anything else stays an attribute.
 * @param scale levels of the library
 */
export function moveLevelNumber(
  record: ParsedRecord,
  fields: Fields,
  key: string,
  { severity }: Settings,
  scale: SeverityScale,
): void {
  const level = fields[key]
  if (typeof level !== 'number') return
  const { severityText, severityNumber } = record
  const isNamed = severityText !== undefined && severityNumber !== 0
  if (isNamed && !scale.some(([value, number]) => value === level && number === severityNumber)) return
  fields[key] = undefined
  if (isNamed) return
  record.severityText ??= String(level)
  record.severityNumber = severity.get(String(level)) ?? numericSeverity(level, scale)
}

/** Removes a field that is null, which some libraries write in place of no field. */
export function removeNull(fields: Fields, key: string): void {
  if (fields[key] === null) fields[key] = undefined
}

/** Moves the name of the logger. */
export function moveScope(record: ParsedRecord, fields: Fields, key: string): void {
  const name = fields[key]
  if (typeof name !== 'string' || name === '') return
  record.scope = name
  fields[key] = undefined
}

/** Moves an inner object out of the attributes, when it is one. */
export function moveFields(fields: Fields, key: string): Fields | undefined {
  const inner = fields[key]
  if (!isFields(inner)) return undefined
  fields[key] = undefined
  return inner
}

/** Renames an attribute. The attribute stays under its own key when the new key is taken. */
export function rename(fields: Fields, key: string, name: string): void {
  const value = fields[key]
  if (value === undefined || value === null || fields[name] !== undefined) return
  fields[key] = undefined
  fields[name] = value
}

/** Adds a field to the attributes. A key that is taken gets a prefix. */
export function addField(target: Fields, key: string, value: unknown, prefix: string): void {
  let name = key
  while (Object.hasOwn(target, name) && target[name] !== undefined) name = prefix + name
  setField(target, name, value)
}

/**
 * Adds the fields of an inner object under the names of attributes. A field without a name gets the key of the object and its own key.
 * @param names attribute names by key; `''` for a field that repeats another one
 */
export function addInner(
  target: Fields,
  prefix: string,
  inner: unknown,
  names: Readonly<Record<string, string>>,
): void {
  if (!isFields(inner)) {
    if (inner !== undefined && inner !== null) addField(target, prefix, inner, 'line.')
    return
  }
  for (const key in inner) {
    const value = inner[key]
    if (value === undefined) continue
    const name = Object.hasOwn(names, key) ? names[key]! : `${prefix}.${key}`
    if (name !== '') addField(target, name, value, 'line.')
  }
}

/** Sets a field. An assignment to `__proto__` would change the prototype. */
export function setField(target: Fields, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
  else target[key] = value
}
