import { styleText } from 'node:util'
import { formatLogRecord, formatMetric } from '@logbridge/viewer'

const color = process.stdout.isTTY && !process.env.NO_COLOR

/** Prints to stdout directly, because the console is bridged. */
export function print(text = '') {
  process.stdout.write(`${text}\n`)
}

export function heading(text) {
  print(`\n${color ? styleText('bold', text) : text}`)
}

/**
 * Collects the records, spans, and metrics of a viewer.
 *
 * @param {import('@logbridge/viewer').Viewer} viewer
 */
export function collect(viewer) {
  /** @type {import('@logbridge/viewer').ReceivedLogRecord[]} */
  const logs = []
  /** @type {import('@logbridge/viewer').ReceivedSpan[]} */
  const spans = []
  /** @type {Map<string, import('@logbridge/viewer').ReceivedMetric>} */
  const metrics = new Map()
  viewer.on('logs', (records) => logs.push(...records))
  viewer.on('spans', (received) => spans.push(...received))
  // Metrics are cumulative, so the last one of each name has the total.
  viewer.on('metrics', (received) => received.forEach((metric) => metrics.set(metric.name, metric)))
  return { logs, spans, metrics }
}

/**
 * Prints the trace of each customer, with the records inside their spans, and every metric of the application.
 *
 * @param {ReturnType<typeof collect>} arrived
 */
export function printArrived({ logs, spans, metrics }) {
  heading(`${spans.length} spans and ${logs.length} log records arrived:`)
  const items = [
    ...spans.map((span) => ({ time: span.startTimeUnixNano, parent: span.parentSpanId, span })),
    ...logs.map((record) => ({ time: record.observedTimeUnixNano, parent: record.spanId, record })),
  ].toSorted((a, b) => (a.time < b.time ? -1 : 1))
  for (const { parent, span } of items) if (span && parent === '') printTree(items, span)

  heading('Metrics arrived:')
  for (const metric of metrics.values()) {
    // An SDK measures itself, too.
    if (metric.name.startsWith('otel.sdk.')) continue
    print(formatMetric(metric, { color }))
    if (metric.type === 'histogram') print(`  ${buckets(metric.dataPoints[0])}`)
  }
}

/**
 * @typedef {object} Item a span or a record, with the id of the span that it is in
 * @property {bigint} time
 * @property {string} parent
 * @property {import('@logbridge/viewer').ReceivedSpan} [span]
 * @property {import('@logbridge/viewer').ReceivedLogRecord} [record]
 */

/**
 * @param {readonly Item[]} items
 * @param {import('@logbridge/viewer').ReceivedSpan} root
 */
function printTree(items, root, indent = '') {
  const millis = Number(root.endTimeUnixNano - root.startTimeUnixNano) / 1e6
  const status = root.status.code === 'error' ? `, ${root.status.message}` : ''
  const traceId = root.parentSpanId === '' ? ` trace=${root.traceId}` : ''
  const service = root.resource.attributes['service.name']
  print(`${indent}${String(service)}: ${root.name} ${root.kind} ${millis.toFixed(1)}ms${status}${traceId}`)
  for (const { parent, span, record } of items) {
    if (parent !== root.spanId) continue
    if (span) printTree(items, span, `${indent}  `)
    // The root has the trace id.
    else print(formatLogRecord({ ...record, traceId: '' }, { color }).replaceAll(/^/gm, `${indent}  `))
  }
}

/** @param {import('@logbridge/viewer').ReceivedHistogramDataPoint} point */
function buckets({ explicitBounds, bucketCounts }) {
  const names = [...explicitBounds.map((bound) => `up to ${bound}`), 'more']
  return names.map((name, index) => `${name}: ${bucketCounts[index]}`).join(', ')
}
