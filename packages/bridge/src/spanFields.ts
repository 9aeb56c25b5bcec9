import type { Context } from '@opentelemetry/api'
import { spanContextOf } from './spanContext.ts'

/** Key of flags that are a number, which may be a field of the application under any other key. */
const FLAGS_KEY = /flags$/i

/**
 * Removes the ids of the record's own span from the attributes, where an official instrumentation has written them for logs that are no OTLP
 * (`trace_id`, `span_id`, `trace_flags`, or names of the application). A pair of attributes with both ids counts: a trace id alone may be a field
 * of the application. Neighbors are pairs first, because they are written together. Sets the fields to `undefined`, because deleted fields make
 * an object slow.
 * https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/
 *
 * Reads the span, which takes longer than `mayHaveSpanIds`. The caller asks that first.
 */
export function removeSpanFields(attributes: Record<string, unknown>, context: Context): void {
  const span = spanContextOf(context)
  if (span === undefined) return
  const { traceId, spanId, traceFlags } = span
  const keys = Object.keys(attributes)
  const flags = (traceFlags & 0xff).toString(16).padStart(2, '0')
  let found = false
  for (let index = 1; index < keys.length; index += 1) {
    const [first, second] = [attributes[keys[index - 1]!], attributes[keys[index]!]]
    if (!(first === traceId && second === spanId) && !(first === spanId && second === traceId)) continue
    found = true
    attributes[keys[index - 1]!] = attributes[keys[index]!] = undefined
    // The instrumentations write the flags last, and so does a mixin that returns the SpanContext.
    const flagsKey = keys[index + 1]
    if (flagsKey === undefined) break
    const value = attributes[flagsKey]
    if (value === flags || (value === traceFlags && FLAGS_KEY.test(flagsKey)))
      attributes[flagsKey] = undefined
  }
  if (found) return
  const traceIdKey = keys.find((key) => attributes[key] === traceId)
  const spanIdKey = keys.find((key) => attributes[key] === spanId)
  if (traceIdKey !== undefined && spanIdKey !== undefined)
    attributes[traceIdKey] = attributes[spanIdKey] = undefined
}
