import { createPrintedSpan, type TraceFieldNames } from '@logbridge/bridge/internal'
import type { Token } from 'log4js'
import { contextOf } from './context.ts'

/**
 * Creates tokens of log4js's pattern layout that print the span of the log call: `%x{trace_id}`, `%x{span_id}`, `%x{trace_flags}`,
 * in hex. Without a span they print nothing.
 *
 * @param names other names of the tokens
 * @throws LogbridgeError `INVALID_OPTION` for a wrong name
 * @example
 * const layout = { type: 'pattern', pattern: '%d %p %c trace_id=%x{trace_id} %m', tokens: traceContext() }
 */
export function traceContext(names?: TraceFieldNames): Record<string, Token> {
  const printedSpan = createPrintedSpan('@logbridge/log4js: traceContext()', names)
  const { traceId = 'trace_id', spanId = 'span_id', traceFlags = 'trace_flags' } = names ?? {}
  const tokenOf =
    (name: string): Token =>
    (event) =>
      printedSpan(contextOf(event))?.[name] ?? ''
  return Object.fromEntries([traceId, spanId, traceFlags].map((name) => [name, tokenOf(name)]))
}
