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
 * Prints every record, the spans of the last customer, whose order failed, and every metric.
 *
 * @param {ReturnType<typeof collect>} arrived
 */
export function printArrived({ logs, spans, metrics }) {
  heading(`${logs.length} log records arrived:`)
  for (const record of logs.toSorted(byTime((log) => log.observedTimeUnixNano)))
    print(formatLogRecord(record, { color }))

  heading(`${spans.length} spans arrived. Those of the last customer:`)
  const inOrder = spans.toSorted(byTime((span) => span.startTimeUnixNano))
  const last = inOrder.findLast((span) => span.parentSpanId === '')
  if (last) printTree(inOrder, last)

  heading(`${metrics.size} metrics arrived:`)
  for (const metric of metrics.values()) {
    print(formatMetric(metric, { color }))
    if (metric.type === 'histogram') print(`  ${buckets(metric.dataPoints[0])}`)
  }
}

/**
 * @template T
 * @param {(item: T) => bigint} timeOf
 * @returns {(a: T, b: T) => number}
 */
function byTime(timeOf) {
  return (a, b) => Number(timeOf(a) - timeOf(b))
}

/**
 * @param {import('@logbridge/viewer').ReceivedSpan[]} spans
 * @param {import('@logbridge/viewer').ReceivedSpan} span
 */
function printTree(spans, span, indent = '  ') {
  const millis = Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6
  const status = span.status.code === 'error' ? `, ${span.status.message}` : ''
  print(`${indent}[${span.scope.name}] ${span.name} ${span.kind} ${millis.toFixed(1)}ms${status}`)
  for (const child of spans) {
    if (child.parentSpanId === span.spanId) printTree(spans, child, `${indent}  `)
  }
}

/** @param {import('@logbridge/viewer').ReceivedHistogramDataPoint} point */
function buckets({ explicitBounds, bucketCounts }) {
  const names = [...explicitBounds.map((bound) => `up to ${bound}`), 'more']
  return names.map((name, index) => `${name}: ${bucketCounts[index]}`).join(', ')
}
