import type { SeverityNumber } from '@logbridge/bridge'

/** Methods of a console that print. `time`, `countReset` and `groupEnd` print nothing. */
export type ConsoleMethod =
  | 'trace'
  | 'debug'
  | 'log'
  | 'info'
  | 'dir'
  | 'dirxml'
  | 'table'
  | 'group'
  | 'groupCollapsed'
  | 'count'
  | 'timeLog'
  | 'timeEnd'
  | 'warn'
  | 'error'
  | 'assert'

/** Severity number of each method. */
export const severities: Readonly<Record<ConsoleMethod, SeverityNumber>> = {
  trace: 1,
  debug: 5,
  log: 9,
  info: 9,
  dir: 9,
  dirxml: 9,
  table: 9,
  group: 9,
  groupCollapsed: 9,
  count: 9,
  timeLog: 9,
  timeEnd: 9,
  warn: 13,
  error: 17,
  assert: 17,
}
