import { styleText } from 'node:util'
import type {
  ReceivedAttributes,
  ReceivedLogRecord,
  ReceivedMetric,
  ReceivedResource,
  ReceivedScope,
  ReceivedSpan,
  ReceivedValue,
} from './model.ts'
import { foldFrames } from './frames.ts'
import { escapeControls, formatValue, printable, truncate } from './text.ts'
import { wrap, wrapIndented } from './wrap.ts'

export interface FormatOptions {
  /**
   * Adds colors as ANSI escape sequences.
   *
   * @default false
   */
  color?: boolean
  /**
   * Width of the terminal. A longer line goes on in the next row, indented under its message.
   *
   * @default undefined, for lines of any length
   */
  columns?: number | undefined
}

type Style = Parameters<typeof styleText>[0]
type Paint = (style: Style, text: string) => string

// `validateStream: false` keeps the caller's decision; styleText would check the terminal again.
const colored: Paint = (style, text) => styleText(style, text, { validateStream: false })
const plain: Paint = (_style, text) => text

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#displaying-severity */
const severities: { name: string; style: Style }[] = [
  { name: 'TRACE', style: 'gray' },
  { name: 'DEBUG', style: 'blue' },
  { name: 'INFO', style: 'green' },
  { name: 'WARN', style: 'yellow' },
  { name: 'ERROR', style: 'red' },
  { name: 'FATAL', style: ['bold', 'red'] },
]

/** Data points of one metric that are printed. Further points are counted. */
const maxPoints = 3

/**
 * Formats a log record as one line, followed by the indented stack of its exception, without a newline at the end.
 *
 * The line has the local time, severity (its text, or OpenTelemetry's name of the number), service, scope, event name, body,
 * attributes, and the trace id. Frames of Node.js and OpenTelemetry are counted. Control characters in received text are escaped.
 */
export function formatLogRecord(record: Omit<ReceivedLogRecord, 'raw'>, options: FormatOptions = {}): string {
  const paint = options.color === true ? colored : plain
  const {
    'exception.type': type,
    'exception.message': message,
    'exception.stacktrace': stack,
  } = record.attributes
  const exception = exceptionLines(type, message, stack, paint)
  const start = origin(
    record.timeUnixNano || record.observedTimeUnixNano,
    severity(record, paint),
    record,
    paint,
  )
  const body = typeof record.body === 'string' ? withoutStack(record.body, stack) : record.body
  const parts = [
    ...(record.eventName ? [paint('magenta', printable(record.eventName))] : []),
    ...(body === null ? [] : [typeof body === 'string' ? printable(body) : formatValue(body)]),
    ...attributes(record.attributes, paint, exception.length > 0),
    ...trace(record.traceId, paint),
  ]
  const { columns } = options
  return [wrap(start, parts, columns), ...exception.map((line) => wrapIndented(line, columns))].join('\n')
}

/** Formats a span as one line: start, service, scope, name, kind, duration, status, events, attributes, trace id. */
export function formatSpan(span: ReceivedSpan, options: FormatOptions = {}): string {
  const paint = options.color === true ? colored : plain
  const { code, message } = span.status
  const start = origin(span.startTimeUnixNano, paint('cyan', 'SPAN  '), span, paint)
  const parts = [
    printable(span.name),
    span.kind,
    formatDuration(span.endTimeUnixNano - span.startTimeUnixNano),
    ...(code === 'unset' ? [] : [paint(code === 'error' ? 'red' : 'green', code)]),
    ...(message ? [printable(message)] : []),
    ...span.events.map((event) => paint('magenta', `+${printable(event.name)}`)),
    ...attributes(span.attributes, paint, false),
    ...trace(span.traceId, paint),
  ]
  return wrap(start, parts, options.columns)
}

/** Formats a metric as one line: time of its first point, service, scope, name, unit, type, and up to three data points. */
export function formatMetric(metric: ReceivedMetric, options: FormatOptions = {}): string {
  const paint = options.color === true ? colored : plain
  const points: string[] = []
  for (const point of metric.dataPoints.slice(0, maxPoints)) {
    const labels = attributes(point.attributes, paint, false).join(' ')
    const fields = Object.entries(point)
      .filter(([name]) => pointFields.has(name))
      .map(([name, value]) => (name === 'value' ? formatValue(value) : `${name}=${formatValue(value)}`))
    points.push(`${labels && `{${labels}} `}${fields.join(' ')}`)
  }
  const more = metric.dataPoints.length - points.length
  const start = origin(metric.dataPoints[0]?.timeUnixNano ?? 0n, paint('blue', 'METRIC'), metric, paint)
  const parts = [
    printable(metric.name),
    ...(metric.unit ? [printable(metric.unit)] : []),
    'aggregationTemporality' in metric ? `${metric.aggregationTemporality} ${metric.type}` : metric.type,
    points.join('; '),
    ...(more > 0 ? [paint('dim', `and ${more} more data points`)] : []),
  ]
  return wrap(start, parts, options.columns)
}

/** Printed fields of a data point of any type. Buckets would fill the screen. */
const pointFields = new Set(['value', 'count', 'sum', 'min', 'max'])

function origin(
  timeUnixNano: bigint,
  label: string,
  { resource, scope }: { resource: ReceivedResource; scope: ReceivedScope },
  paint: Paint,
): string[] {
  const service = resource.attributes['service.name']
  return [
    paint('dim', localTime(timeUnixNano)),
    label,
    ...(service === undefined
      ? []
      : [paint('bold', typeof service === 'string' ? printable(service) : formatValue(service))]),
    ...(scope.name ? [paint('cyan', `[${printable(scope.name)}]`)] : []),
  ]
}

function localTime(timeUnixNano: bigint): string {
  if (timeUnixNano === 0n) return '--:--:--.---'
  const time = new Date(Number(timeUnixNano / 1_000_000n))
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
    String(part).padStart(2, '0'),
  )
  return `${hours}:${minutes}:${seconds}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

function severity({ severityNumber, severityText }: Omit<ReceivedLogRecord, 'raw'>, paint: Paint): string {
  const range = severities[Math.ceil(severityNumber / 4) - 1]
  const step = (severityNumber - 1) % 4
  const name = range === undefined ? '-' : `${range.name}${step === 0 ? '' : step + 1}`
  const text = (severityText ? printable(severityText).toUpperCase() : name).padEnd(6)
  return range === undefined ? text : paint(range.style, text)
}

function attributes(received: ReceivedAttributes, paint: Paint, withoutException: boolean): string[] {
  return Object.entries(received)
    .filter(([key]) => !(withoutException && exceptionKeys.has(key)))
    .map(([key, value]) => `${paint('dim', `${formatValue(key)}=`)}${formatValue(value)}`)
}

/** Removes the stack from the end of a text, as programs print an exception behind a message, because the stack follows in its own lines. */
function withoutStack(body: string, stack: ReceivedValue | undefined): string | null {
  if (typeof stack !== 'string' || stack === '') return body
  const text = body.trimEnd()
  return text.endsWith(stack.trimEnd()) ? text.slice(0, -stack.trimEnd().length).trimEnd() || null : body
}

const exceptionKeys = new Set(['exception.type', 'exception.message', 'exception.stacktrace'])

function exceptionLines(
  type: ReceivedValue | undefined,
  message: ReceivedValue | undefined,
  stack: ReceivedValue | undefined,
  paint: Paint,
): string[] {
  const title = [type, message].filter((part) => typeof part === 'string' && part !== '').join(': ')
  const frames = typeof stack === 'string' && stack !== '' ? truncate(stack).split(/\r?\n/) : []
  // A stack usually begins with type and message. The title is printed when the stack lacks the message.
  const hasMessage = typeof message === 'string' && contains(frames.join('\n'), message)
  const lines = hasMessage ? frames : [truncate(title), ...frames]
  return foldFrames(lines.filter((line) => line.trim() !== '')).map((line, index) =>
    paint(index === 0 ? 'red' : 'dim', `    ${escapeControls(line.replaceAll('\t', '    '))}`),
  )
}

/** Returns true when `text` contains `message`. Searches for its first 200 characters, because V8's search for a long text is quadratic. */
function contains(text: string, message: string): boolean {
  const at = text.indexOf(message.slice(0, 200))
  return at >= 0 && text.startsWith(message, at)
}

function trace(traceId: string, paint: Paint): string[] {
  return traceId ? [paint('dim', `trace=${traceId}`)] : []
}

/** Formats a duration in a unit that gives it one to three digits before the point. */
export function formatDuration(nanos: bigint): string {
  const micros = Number(nanos) / 1000
  if (micros < 1000) return `${micros.toFixed(0)}µs`
  if (micros < 1_000_000) return `${(micros / 1000).toFixed(1)}ms`
  return `${(micros / 1_000_000).toFixed(2)}s`
}
