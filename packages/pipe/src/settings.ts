import { namedSeverity, type SeverityNumber } from '@logbridge/bridge'
import type { LineOptions } from './options.ts'
import { timeZoneOf, type TimeZone } from './timeZone.ts'

/** Options, resolved once for all lines. */
export interface Settings {
  readonly zone: TimeZone
  readonly keepLocals: boolean
  readonly severity: ReadonlyMap<string, SeverityNumber>
}

export function resolveSettings({ timezone, keepLocals = false, severity = {} }: LineOptions): Settings {
  return { zone: timeZoneOf(timezone), keepLocals, severity: new Map(Object.entries(severity)) }
}

/** Severity numbers of the levels of a library that `namedSeverity` of the bridge does not have, by their names in lower case. */
export type LevelNames = Readonly<Record<string, SeverityNumber>>

/** Finds the severity number of a name: in the option `severity`, in the table of the library, else among the names that all libraries share. */
export function severityOfName(name: string, settings: Settings, names?: LevelNames): SeverityNumber {
  const chosen = settings.severity.get(name)
  if (chosen !== undefined) return chosen
  if (names === undefined) return namedSeverity(name)
  const key = Object.hasOwn(names, name) ? name : name.toLowerCase()
  return Object.hasOwn(names, key) ? names[key]! : namedSeverity(key)
}
