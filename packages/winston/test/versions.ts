import winston from 'winston'
import winston30 from 'winston30'

export type Winston = typeof winston

/** Newest and oldest version of winston 3. The types of the oldest differ in details. */
export const versions: [version: string, winston: Winston][] = [
  ['winston 3.19', winston],
  ['winston 3.0.0', winston30 as unknown as Winston],
]
