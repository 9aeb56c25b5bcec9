import { OWN_DESTINATION, warnOnce } from '@logbridge/bridge/internal'
import type { Library } from './entryFiles.ts'

/** Destinations of OpenTelemetry's own packages, by the name of their class. */
const OFFICIAL = new Set(['OpenTelemetryTransportV3', 'OpenTelemetryBunyanStream', 'OTelPinoStream'])

/** Tests if a destination of a logger sends the records to OpenTelemetry. */
export function sendsToOpenTelemetry(destination: unknown): boolean {
  if (typeof destination !== 'object' || destination === null) return false
  return OWN_DESTINATION in destination || OFFICIAL.has(destination.constructor?.name)
}

/** Says once that the loggers of a library have a destination of the application. */
export function noteOther(library: Library): void {
  warnOnce(
    `auto-other-${library}`,
    `@logbridge/auto leaves ${library} loggers alone that send to OpenTelemetry already, by code or an instrumentation. ` +
      `Set LOGBRIDGE_DISABLED=${library} to hide this line`,
  )
}
