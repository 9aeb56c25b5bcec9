import type { Settings } from '../settings.ts'
import type { Fields, ParsedRecord } from '../types.ts'

/** Format of a logging library: one file of this folder. */
export interface Format {
  readonly name: ParsedRecord['format']
  /**
   * Tests if a line is of this format, by its keys.
   * @param text the line itself, for formats that differ in their spelling alone
   */
  recognizes(fields: Fields, text: string): boolean
  /** Moves the parts of a record out of the fields. The rest of the fields are its attributes. */
  convert(fields: Fields, settings: Settings): ParsedRecord
}
