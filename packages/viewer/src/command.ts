import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import packageJson from '../package.json' with { type: 'json' }
import { ViewerError } from './errors.ts'
import { formatLogRecord, formatMetric, formatSpan } from './format.ts'
import { formatJson } from './json.ts'
import { endOutput, handleOutputErrors, printMessage, printRecords } from './output.ts'
import { startViewer, type Viewer } from './viewer.ts'

const help = `Usage: logbridge-viewer [options]

Receives OpenTelemetry logs, traces, and metrics (OTLP over gRPC and HTTP) and prints them as they arrive.

  --grpc-port <port>      port of OTLP/gRPC, 0 for any free port (default 4317)
  --http-port <port>      port of OTLP/HTTP, 0 for any free port (default 4318)
  --host <address>        address to listen on, IPv4 or IPv6 (default 127.0.0.1: this machine only; ::1: the same over IPv6;
                          0.0.0.0, or :: for IPv6 as well: every machine)
  --min-severity <level>  hide log records below trace, debug, info, warn, error, fatal, or a number from 1 to 24;
                          records without a severity are shown
  --no-spans              do not print spans
  --no-metrics            do not print metrics
  --sdk-metrics           print the metrics otel.sdk.* as well, by which an SDK measures itself
  --json                  print one line of JSON for each record
  --color, --no-color     colors (default: on a terminal; NO_COLOR and FORCE_COLOR are respected)
  -h, --help              print this
  -v, --version           print the version
`

/** First severity number of each range of the OpenTelemetry data model. */
const severityNumbers: Record<string, number> = {
  trace: 1,
  debug: 5,
  info: 9,
  warn: 13,
  error: 17,
  fatal: 21,
}

/** Error in the arguments or the environment of the command. */
class UsageError extends Error {}

interface Settings {
  host: string
  grpcPort: number
  httpPort: number
  minSeverity: number
  spans: boolean
  metrics: boolean
  sdkMetrics: boolean
  json: boolean
  color: boolean
}

/** Runs the command of `logbridge-viewer`. */
export async function main(): Promise<void> {
  handleOutputErrors()
  try {
    const settings = readArguments(process.argv.slice(2))
    if (typeof settings === 'string') {
      process.stdout.write(settings)
      return
    }
    // V8 collects garbage after each request with this flag, instead of after several.
    setFlagsFromString('--optimize-for-size')
    // grpc-js prints its own error about a port in use, ahead of the viewer's message with the option to change.
    setLogVerbosity(logVerbosity.NONE)
    const viewer = await startViewer(settings)
    print(viewer, settings)
    stopOnSignal(viewer)
    printMessage(`Receiving OTLP: gRPC at ${viewer.grpcUrl}, HTTP at ${viewer.httpUrl}`)
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ViewerError)) throw error
    printMessage(`logbridge-viewer: ${withFlag(error)}`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

/** Names the flag in place of the option. */
function withFlag(error: UsageError | ViewerError): string {
  const option = error instanceof ViewerError ? error.option : undefined
  return option === undefined ? error.message : error.message.replaceAll(option, FLAGS[option])
}

const FLAGS = { grpcPort: '--grpc-port', httpPort: '--http-port', host: '--host' } as const

/** Returns the settings to run with, or the text to print before the command exits. */
function readArguments(args: string[]): string | Settings {
  const values = parse(args)
  if (values.help === true) return help
  if (values.version === true) return `${packageJson.version}\n`
  return {
    host: values.host ?? '127.0.0.1',
    grpcPort: toPort('--grpc-port', values['grpc-port'] ?? '4317'),
    httpPort: toPort('--http-port', values['http-port'] ?? '4318'),
    minSeverity: toSeverity(values['min-severity'] ?? '0'),
    spans: values.spans ?? true,
    metrics: values.metrics ?? true,
    sdkMetrics: values['sdk-metrics'] ?? false,
    json: values.json ?? false,
    color: wantsColor(values.color),
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowNegative: true,
      options: {
        'grpc-port': { type: 'string' },
        'http-port': { type: 'string' },
        host: { type: 'string' },
        'min-severity': { type: 'string' },
        spans: { type: 'boolean' },
        metrics: { type: 'boolean' },
        'sdk-metrics': { type: 'boolean' },
        json: { type: 'boolean' },
        color: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
      },
    }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message} See --help.`, { cause: error })
  }
}

function toPort(flag: string, text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new UsageError(`${flag} must be a number from 0 to 65535, not ${JSON.stringify(text)}`)
  }
  return port
}

function toSeverity(text: string): number {
  const number = severityNumbers[text.toLowerCase()] ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN)
  if (!(number >= 0 && number <= 24)) {
    const names = Object.keys(severityNumbers).join(', ')
    throw new UsageError(
      `--min-severity must be ${names} or a number from 1 to 24, not ${JSON.stringify(text)}`,
    )
  }
  return number
}

/** Follows https://no-color.org and https://force-color.org. A flag has precedence over both variables. */
function wantsColor(flag: boolean | undefined): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env
  if (flag !== undefined) return flag
  if (NO_COLOR) return false
  if (FORCE_COLOR) return FORCE_COLOR !== '0'
  return process.stdout.isTTY && process.stdout.hasColors()
}

function print(viewer: Viewer, settings: Settings): void {
  const { minSeverity, spans, metrics, sdkMetrics, json, color } = settings
  const options = {
    color,
    /** Width of the terminal, which changes. */
    get columns() {
      return process.stdout.isTTY ? process.stdout.columns : undefined
    },
  }
  viewer.on('logs', (received) => {
    const records = received.filter(
      ({ severityNumber }) => severityNumber === 0 || severityNumber >= minSeverity,
    )
    printRecords(records, (record) => (json ? formatJson('log', record) : formatLogRecord(record, options)))
  })
  if (spans) {
    viewer.on('spans', (received) => {
      printRecords(received, (span) => (json ? formatJson('span', span) : formatSpan(span, options)))
    })
  }
  if (metrics) {
    viewer.on('metrics', (received) => {
      const wanted = sdkMetrics ? received : received.filter(({ name }) => !name.startsWith('otel.sdk.'))
      printRecords(wanted, (metric) => (json ? formatJson('metric', metric) : formatMetric(metric, options)))
    })
  }
}

function stopOnSignal(viewer: Viewer): void {
  const stop = async (): Promise<void> => {
    await viewer.close()
    const { logRecords, spans, dataPoints, refused } = viewer.counts
    printMessage(
      `Received ${logRecords} log records, ${spans} spans, ${dataPoints} data points; refused ${refused} requests`,
    )
    endOutput()
  }
  // `once` removes the handler, so that a second signal ends the process immediately.
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}
