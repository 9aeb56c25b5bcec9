import types from 'node:util/types'
import { type Adapter, safeGet, type SeverityNumber, splitArguments } from '@logbridge/bridge'
import { callSites, errorMessage } from '@logbridge/bridge/internal'
import type { ConsoleMethod } from './severity.ts'

/** One call of a console's method. */
export interface ConsoleCall {
  readonly method: ConsoleMethod
  readonly args: readonly unknown[]
  /** Arguments that the method passed on to the console's own `log`, `warn` or `error`. */
  printed: readonly unknown[] | undefined
  /** Result of `contentOf`. */
  content: readonly unknown[] | undefined
  /** Labels of the groups that are open, outermost first. */
  readonly groups: readonly string[]
  /** Function that the application called. Stack traces begin at its caller. */
  readonly calledAs: (...args: never) => unknown
}

/** Methods whose text Node writes to stderr. https://nodejs.org/api/console.html */
const TO_STDERR: ReadonlySet<ConsoleMethod> = new Set(['trace', 'warn', 'error', 'assert'])

/** @param table severity numbers of all methods */
export function createAdapter(table: ReadonlyMap<string, SeverityNumber>): Adapter<ConsoleCall> {
  return {
    library: 'console',
    obeysInspectCustom: true,
    callers: ({ calledAs }) => callSites(calledAs),
    classify: ({ method }) => ({
      severityNumber: table.get(method) ?? 0,
      severityText: method,
      scope: undefined,
    }),
    convert(call) {
      const { method, groups, content = [] } = call
      const { body, attributes = {}, exception, template } = splitArguments(content)
      attributes['log.iostream'] ??= TO_STDERR.has(method) ? 'stderr' : 'stdout'
      if (groups.length > 0) attributes['console.group'] ??= groups
      if (method === 'trace') attributes['code.stacktrace'] ??= stackOf(call)
      // `count` and the timers print a template of the console.
      return {
        body,
        attributes,
        exception,
        template: content === call.printed ? undefined : template,
      }
    },
  }
}

/** Methods that print their arguments in each call. */
const PRINTING: ReadonlySet<ConsoleMethod> = new Set([
  'log',
  'info',
  'debug',
  'warn',
  'error',
  'trace',
  'dirxml',
])

/** Tests for a method of which `contentOf` returns the arguments of each call. */
export function printsArguments(method: ConsoleMethod): boolean {
  return PRINTING.has(method)
}

/** Returns the arguments with which `console.log` would print the same; `undefined` when the call prints nothing. */
export function contentOf({ method, args, printed }: ConsoleCall): readonly unknown[] | undefined {
  switch (method) {
    case 'assert':
      return args[0] ? undefined : failedAssertion(args.slice(1))
    case 'dir':
      // The second argument holds options of `util.inspect`.
      return [args[0]]
    case 'table':
      return [tableContent(args[0], args[1])]
    case 'group':
    case 'groupCollapsed':
      return args.length > 0 ? args : undefined
    case 'count':
      return printed ?? [args[0] ?? 'default']
    case 'timeLog':
    case 'timeEnd':
      // `undefined` when no timer has this label.
      return printed
    default:
      return args
  }
}

/**
 * Removes the columns that a table leaves out. Maps, Sets and their iterators always show the same columns.
 * https://nodejs.org/api/console.html#consoletabletabulardata-properties
 */
function tableContent(data: unknown, columns: unknown): unknown {
  if (!Array.isArray(columns) || typeof data !== 'object' || data === null) return data
  const isOfEntries =
    types.isMap(data) || types.isSet(data) || types.isMapIterator(data) || types.isSetIterator(data)
  if (isOfEntries) return data
  try {
    const rows = Object.keys(data).map((key) => [key, rowContent(safeGet(data, key), columns)] as const)
    return Array.isArray(data) ? rows.map(([, row]) => row) : Object.fromEntries(rows)
  } catch (error) {
    // A Proxy has thrown, in the console as well.
    return `[Throws: ${errorMessage(error)}]`
  }
}

function rowContent(row: unknown, columns: readonly unknown[]): unknown {
  if ((typeof row !== 'object' && typeof row !== 'function') || row === null) return row
  const fields = columns.filter((column) => typeof column === 'string' && Object.hasOwn(row, column))
  return Object.fromEntries(fields.map((column) => [column, safeGet(row, column as string)]))
}

/** https://console.spec.whatwg.org/#assert */
function failedAssertion(args: readonly unknown[]): readonly unknown[] {
  const [first, ...others] = args
  if (typeof first === 'string') return [`Assertion failed: ${first}`, ...others]
  return ['Assertion failed', ...args]
}

/** Returns the frames above the call, without the line before them, which repeats the body. */
export function stackOf({ calledAs }: ConsoleCall): string | undefined {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, calledAs)
  const { stack } = holder
  return typeof stack === 'string' ? stack.slice(stack.indexOf('\n') + 1) : undefined
}
