import { isFields } from '@logbridge/bridge/internal'
import { placeLevelName } from './fields.ts'
import type { FieldMap } from './options.ts'
import type { Settings } from './settings.ts'
import { parseTime } from './time.ts'
import type { Fields, ParsedRecord } from './types.ts'

type Meaning = keyof FieldMap
/** Keys of the option `map`, each with the path to its field. */
export type MappedKeys = readonly (readonly [meaning: Meaning, key: string, path: readonly string[]])[]

export function mappedKeys(map: FieldMap): MappedKeys {
  const entries = Object.entries(map) as [Meaning, string | undefined][]
  return entries.flatMap(([meaning, key]) =>
    key === undefined ? [] : [[meaning, key, key.split('.')] as const],
  )
}

/** Converts a line, and places the mapped fields in the record. A mapped field of the wrong type stays where the format puts it. */
export function applyMap(
  keys: MappedKeys,
  fields: Fields,
  settings: Settings,
  convert: () => ParsedRecord,
): ParsedRecord {
  const found = keys.flatMap(([meaning, key, path]) => {
    const holder = holderOf(fields, key, path)
    const name = holder === fields && Object.hasOwn(fields, key) ? key : path.at(-1)!
    const value = holder?.[name]
    if (holder === undefined || !isUsable(meaning, value, settings)) return []
    holder[name] = undefined
    return [[meaning, value] as const]
  })
  const record = convert()
  for (const [meaning, value] of found) place(record, meaning, value, settings)
  return record
}

/** Returns the object that has a field: the line, for a key with dots, or an inner object. */
function holderOf(fields: Fields, key: string, path: readonly string[]): Fields | undefined {
  if (Object.hasOwn(fields, key)) return fields
  let holder: unknown = fields
  for (const step of path.slice(0, -1))
    holder = isFields(holder) && Object.hasOwn(holder, step) ? holder[step] : undefined
  return isFields(holder) && Object.hasOwn(holder, path.at(-1)!) ? holder : undefined
}

function isUsable(meaning: Meaning, value: unknown, { zone }: Settings): boolean {
  if (value === undefined || value === null) return false
  if (meaning === 'message') return true
  if (meaning === 'time') return parseTime(value, zone) !== undefined
  return (typeof value === 'string' && value !== '') || (meaning === 'level' && typeof value === 'number')
}

function place(record: ParsedRecord, meaning: Meaning, value: unknown, settings: Settings): void {
  if (meaning === 'message') record.body = value
  else if (meaning === 'time') record.timestamp = parseTime(value, settings.zone)
  else if (meaning === 'logger') record.scope = value as string
  else placeLevelName(record, String(value), settings)
}
