import { trace } from '@opentelemetry/api'
import { expect, test } from 'vitest'
import { parseLine, type ParsedRecord } from '../src/index.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

const definedIn = ({ attributes }: ParsedRecord): object =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))

test.each<[fields: object, flags: number, left?: object]>([
  [{ trace_id: TRACE, span_id: SPAN, trace_flags: '01' }, 1],
  [{ trace_id: TRACE, span_id: SPAN }, 0],
  [{ trace_id: TRACE.toUpperCase(), span_id: SPAN, trace_flags: 1 }, 1],
  [{ traceId: TRACE, spanId: SPAN, traceFlags: 3 }, 3],
  [{ traceparent: `00-${TRACE}-${SPAN}-01` }, 1],
  [{ 'trace.id': TRACE, 'span.id': SPAN }, 0],
  [{ trace: { id: TRACE }, span: { id: SPAN } }, 0],
  [{ trace: { id: TRACE, state: 'a=1' }, span: { id: SPAN } }, 0, { trace: { state: 'a=1' } }],
  [{ otelTraceID: TRACE, otelSpanID: SPAN, otelTraceSampled: true }, 1],
  [{ otelTraceID: TRACE, otelSpanID: SPAN, otelTraceSampled: 'False' }, 0],
  [{ 'dd.trace_id': TRACE, 'dd.span_id': '67667974448284343' }, 0],
  [
    { dd: { trace_id: TRACE, span_id: 67667974448284343n.toString(), env: 'prod' } },
    0,
    { dd: { env: 'prod' } },
  ],
  [{ 'logging.googleapis.com/trace': TRACE, 'logging.googleapis.com/spanId': SPAN }, 0],
  [{ trace_id: TRACE, span_id: SPAN, trace_flags: 'all' }, 0, { trace_flags: 'all' }],
])('parseLine moves the span of %j', (fields, flags, left = {}) => {
  const record = parseLine(JSON.stringify(fields), 'json') as ParsedRecord
  expect(trace.getSpanContext(record.context!)).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: flags })
  expect(definedIn(record)).toEqual(left)
})

test('parseLine reads the decimal ids of Datadog as 64 bits', () => {
  const line = '{"dd.trace_id":11803532876627986230,"dd.span_id":"1"}'
  expect(trace.getSpanContext((parseLine(line, 'json') as ParsedRecord).context!)).toMatchObject({
    traceId: '0000000000000000a3ce929d0e0e4736',
    spanId: '0000000000000001',
  })
})

test.each([
  { trace_id: TRACE },
  { trace_id: TRACE, span_id: 7 },
  { trace_id: 'order-1', span_id: 'item-2' },
  { trace_id: '0'.repeat(32), span_id: SPAN },
  { traceparent: 'none' },
  { 'dd.trace_id': '0', 'dd.span_id': '0' },
  { dd: { trace_id: 'x', span_id: 'y' } },
  { 'logging.googleapis.com/trace': 'projects/p/traces/t', 'logging.googleapis.com/spanId': SPAN },
])('parseLine leaves %j among the attributes', (fields) => {
  const record = parseLine(JSON.stringify(fields), 'json') as ParsedRecord
  expect(record.context).toBeUndefined()
  expect(record.attributes).toEqual(fields)
})
