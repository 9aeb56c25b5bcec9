import { createPrintedSpan, type TraceFieldNames } from '@logbridge/bridge/internal'
import type { ConsoleMethod } from './severity.ts'

type Print = (args: unknown[]) => unknown[]

/** Methods that print a text on a line. */
const METHODS: ReadonlySet<ConsoleMethod> = new Set(['debug', 'log', 'info', 'warn', 'error'])

/**
 * Creates a function that puts the active span in front of the arguments that a method prints.
 *
 * @returns `undefined` for a method that prints no span
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 */
export function createSpanPrefix(
  option: boolean | TraceFieldNames | undefined,
): (method: ConsoleMethod) => Print | undefined {
  if (option === undefined || option === false) return () => undefined
  const names = option === true ? {} : option
  const printedSpan = createPrintedSpan('@logbridge/console: option traceContext', names)
  function withSpan(args: unknown[]): unknown[] {
    const fields = printedSpan()
    if (fields === undefined) return args
    const [first, ...others] = args
    const prefix = Object.entries(fields)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')
    // A first argument that is a text has the specifiers of the others.
    return typeof first === 'string' ? [`${prefix} ${first}`, ...others] : [prefix, ...args]
  }
  return (method) => (METHODS.has(method) ? withSpan : undefined)
}
