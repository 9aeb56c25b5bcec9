import winston from 'winston'
import winston30 from 'winston30'

export type Winston = typeof winston

/** The newest and the oldest of this major; the types of the latter differ in details. */
export const versions: [version: string, winston: Winston][] = [
  ['winston 3.19', winston],
  ['winston 3.0.0', winston30 as unknown as Winston],
]
