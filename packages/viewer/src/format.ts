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
import { cut, escapeControls, printable, show } from './text.ts'

export interface FormatOptions {
  /** Colours as ANSI escape sequences. Default false. */
  color?: boolean
}

type Style = Parameters<typeof styleText>[0]
type Paint = (style: Style, text: string) => string

// Whether to colour was decided by the caller: styleText would otherwise ask the terminal again.
const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false })
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

/** Data points of one metric that are shown before the rest is only counted. */
const maxPoints = 3

/**
 * A log record as one line, followed by its exception's stack, indented. Without a newline at the end.
 *
 * The line: local time, severity (the text, else OpenTelemetry's name for the number), service, scope, body,
 * attributes, first half of the span's trace id. Control characters in received text are escaped.
 */
export function formatLogRecord(record: ReceivedLogRecord, options: FormatOptions = {}): string {
  const paint = options.color === true ? coloured : plain
  const {
    'exception.type': type,
    'exception.message': message,
    'exception.stacktrace': stack,
  } = record.attributes
  const exception = exceptionLines(type, message, stack, paint)
  const parts = [
    ...origin(record.timeUnixNano || record.observedTimeUnixNano, severity(record, paint), record, paint),
    ...(record.eventName ? [paint('magenta', printable(record.eventName))] : []),
    ...(record.body === null
      ? []
      : [typeof record.body === 'string' ? printable(record.body) : show(record.body)]),
    ...attributes(record.attributes, paint, exception.length > 0),
    ...trace(record.traceId, paint),
  ]
  return [parts.join(' '), ...exception].join('\n')
}

/** A span as one line: start, service, scope, name, kind, duration, status, events, attributes, trace id. */
export function formatSpan(span: ReceivedSpan, options: FormatOptions = {}): string {
  const paint = options.color === true ? coloured : plain
  const { code, message } = span.status
  return [
    ...origin(span.startTimeUnixNano, paint('cyan', 'SPAN  '), span, paint),
    printable(span.name),
    span.kind,
    duration(span.endTimeUnixNano - span.startTimeUnixNano),
    ...(code === 'unset' ? [] : [paint(code === 'error' ? 'red' : 'green', code)]),
    ...(message ? [printable(message)] : []),
    ...span.events.map((event) => paint('magenta', `+${printable(event.name)}`)),
    ...attributes(span.attributes, paint, false),
    ...trace(span.traceId, paint),
  ].join(' ')
}

/** A metric as one line: time of its first point, service, scope, name, unit, type and up to three data points. */
export function formatMetric(metric: ReceivedMetric, options: FormatOptions = {}): string {
  const paint = options.color === true ? coloured : plain
  const points: string[] = []
  for (const point of metric.dataPoints.slice(0, maxPoints)) {
    const labels = attributes(point.attributes, paint, false).join(' ')
    const values = Object.entries(point).filter(([name]) => shownFields.has(name))
    const shown = values.map(([name, value]) => (name === 'value' ? show(value) : `${name}=${show(value)}`))
    points.push(`${labels && `{${labels}} `}${shown.join(' ')}`)
  }
  const more = metric.dataPoints.length - points.length
  return [
    ...origin(metric.dataPoints[0]?.timeUnixNano ?? 0n, paint('blue', 'METRIC'), metric, paint),
    printable(metric.name),
    ...(metric.unit ? [printable(metric.unit)] : []),
    'aggregationTemporality' in metric ? `${metric.aggregationTemporality} ${metric.type}` : metric.type,
    points.join('; '),
    ...(more > 0 ? [paint('dim', `and ${more} more data points`)] : []),
  ].join(' ')
}

/** What tells most about a data point of any type; buckets would fill the screen. */
const shownFields = new Set(['value', 'count', 'sum', 'min', 'max'])

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
      : [paint('bold', typeof service === 'string' ? printable(service) : show(service))]),
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

function severity({ severityNumber, severityText }: ReceivedLogRecord, paint: Paint): string {
  const range = severities[Math.ceil(severityNumber / 4) - 1]
  const step = (severityNumber - 1) % 4
  const name = range === undefined ? '-' : `${range.name}${step === 0 ? '' : step + 1}`
  const text = (severityText ? printable(severityText).toUpperCase() : name).padEnd(6)
  return range === undefined ? text : paint(range.style, text)
}

function attributes(received: ReceivedAttributes, paint: Paint, withoutException: boolean): string[] {
  return Object.entries(received)
    .filter(([key]) => !(withoutException && exceptionKeys.has(key)))
    .map(([key, value]) => `${paint('dim', `${show(key)}=`)}${show(value)}`)
}

const exceptionKeys = new Set(['exception.type', 'exception.message', 'exception.stacktrace'])

function exceptionLines(
  type: ReceivedValue | undefined,
  message: ReceivedValue | undefined,
  stack: ReceivedValue | undefined,
  paint: Paint,
): string[] {
  const title = [type, message].filter((part) => typeof part === 'string' && part !== '').join(': ')
  const frames = typeof stack === 'string' && stack !== '' ? cut(stack).split(/\r?\n/) : []
  // A stack usually opens with type and message; where it does not, nothing may get lost.
  const isShown = typeof message === 'string' && containsStart(frames.join('\n'), message)
  const lines = isShown ? frames : [cut(title), ...frames]
  return lines
    .filter((line) => line.trim() !== '')
    .map((line, index) =>
      paint(index === 0 ? 'red' : 'dim', `    ${escapeControls(line.replaceAll('\t', '    '))}`),
    )
}

/** Whether a text has a message. Of a long one the first characters are looked for: V8 takes quadratic time for all of them. */
function containsStart(text: string, message: string): boolean {
  const at = text.indexOf(message.slice(0, 200))
  return at >= 0 && text.startsWith(message, at)
}

function trace(traceId: string, paint: Paint): string[] {
  return traceId ? [paint('dim', `trace=${traceId.slice(0, 8)}`)] : []
}

function duration(nanos: bigint): string {
  const micros = Number(nanos) / 1000
  if (micros < 1000) return `${micros.toFixed(0)}µs`
  if (micros < 1_000_000) return `${(micros / 1000).toFixed(1)}ms`
  return `${(micros / 1_000_000).toFixed(2)}s`
}
