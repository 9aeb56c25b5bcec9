import { valueAt, valueText } from '../format.ts'
import type { Log } from '../model.ts'

/** Columns that each record has. Others are attributes, `attr.KEY`. */
export const FIXED_COLUMNS = ['time', 'level', 'service', 'scope', 'event', 'trace', 'message'] as const
const DEFAULT_COLUMNS: readonly string[] = ['time', 'level', 'service', 'scope', 'message']

/** Separator of the columns in an address. */
const SEPARATOR = ','

/** Reads the columns of an address. */
export function columnsOf(params: URLSearchParams): readonly string[] {
  const names = params.get('columns')
  return names === null ? DEFAULT_COLUMNS : names.split(SEPARATOR).filter((name) => name !== '')
}

/** Returns the value of `columns` in an address: `null` for the default columns. */
export function columnsParam(columns: readonly string[]): string | null {
  return columns.join(SEPARATOR) === DEFAULT_COLUMNS.join(SEPARATOR) ? null : columns.join(SEPARATOR)
}

const WIDTHS: Readonly<Record<string, string>> = {
  time: 'var(--time-width)',
  level: '4rem',
  service: '7.5rem',
  scope: '7.5rem',
  event: '9rem',
  trace: '6rem',
  message: '20rem',
}
const ATTRIBUTE_WIDTH = '10rem'

/** Returns the widths of columns for `grid-template-columns`, and the least width of the list. The message takes what is left. */
export function widthsOf(columns: readonly string[]): { template: string; least: string } {
  const widths = columns.map((column) => WIDTHS[column] ?? ATTRIBUTE_WIDTH)
  const template = columns.map((column, index) =>
    column === 'message' ? `minmax(${widths[index]}, 1fr)` : widths[index],
  )
  return {
    template: template.join(' '),
    least: `calc(${[...widths, `${columns.length * 10 + 14}px`].join(' + ')})`,
  }
}

/** Returns the name of a column for its head. */
export function titleOf(column: string): string {
  return column.replace(/^attr\./, '')
}

/** Largest number of characters of a cell. The panel of a record has its whole text. */
const MAX_CELL_CHARACTERS = 1000

/** Returns the text of a column other than time and level. */
export function textOf(log: Log, column: string): string {
  return wholeTextOf(log, column).slice(0, MAX_CELL_CHARACTERS)
}

function wholeTextOf(log: Log, column: string): string {
  switch (column) {
    case 'service':
      return log.service
    case 'scope':
      return log.scope
    case 'event':
      return log.eventName
    case 'trace':
      return log.traceId
    case 'message':
      return messageOf(log)
    default: {
      const value = valueAt(log.attributes, column.replace(/^attr\./, ''))
      return value === undefined ? '' : valueText(value)
    }
  }
}

/** Returns the beginning of the message of a record. A record without a body has its event, or its exception. */
export function messageOf(log: Log): string {
  return wholeMessageOf(log).slice(0, MAX_CELL_CHARACTERS)
}

function wholeMessageOf({ body, eventName, attributes }: Log): string {
  if (body !== null && body !== '') return valueText(body)
  const type = attributes['exception.type']
  if (type === undefined) return eventName
  return `${valueText(type)}: ${valueText(attributes['exception.message'] ?? '')}`
}

/** Adds a column before the message, or removes it. */
export function toggleColumn(columns: readonly string[], column: string): string[] {
  if (columns.includes(column)) return columns.filter((each) => each !== column)
  const at = columns.indexOf('message')
  return at < 0 ? [...columns, column] : columns.toSpliced(at, 0, column)
}
