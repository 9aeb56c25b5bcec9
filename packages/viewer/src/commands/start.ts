/** Starts a viewer: with a page, or with output to the terminal. */
import { setFlagsFromString } from 'node:v8'
import packageJson from '../../package.json' with { type: 'json' }
import { COLOR_HELP, readFlags, toCount, toPort, UsageError, wantsColor } from './arguments.ts'
import { parseSeverity, SEVERITY_FORMS } from '../query/values.ts'
import { startPage } from './page.ts'
import { startTerminal } from './terminal.ts'
import { grpc } from '../vendor/grpc.ts'

const HELP = `Usage: logbridge-viewer [options] [file.jsonl ...]
       logbridge-viewer logs|trace|services|export|import ...

Receives OpenTelemetry logs, traces, and metrics (OTLP over gRPC and HTTP), and shows them on a page. Reads files of
OTLP/JSON lines, also compressed (.gz), at the start.

  --port <port>           port of the page, 0 for any free port (default 4319)
  --open                  open the page in the browser
  --db <file>             keep the data in this file (default: a temporary file, removed at the end)
  --max-logs <number>     log records that are kept (default 100000)
  --max-spans <number>    spans that are kept (default 100000)
  --max-megabytes <number>  size of the data that is kept (default 256)
  --allow-host <name[:port]>  accept this name in the Host header, for containers and forwarded ports; repeatable
  --allow-origin <origin>  accept OTLP/HTTP from pages of this origin; repeatable
  --token <token>         secret of the page (default: a random one)
  --insecure              no secret: everybody who reaches the port sees the data
  --forward <url>         send every request on to this OTLP/HTTP endpoint, too

  --grpc-port <port>      port of OTLP/gRPC, 0 for any free port (default 4317)
  --http-port <port>      port of OTLP/HTTP, 0 for any free port (default 4318)
  --host <address>        address to listen on, IPv4 or IPv6 (default 127.0.0.1: this machine only; ::1: the same over IPv6;
                          0.0.0.0, or :: for IPv6 as well: every machine). Every machine needs --token or --insecure,
                          unless with --terminal

  --terminal              print records as they arrive, without a page
  --json                  print one line of JSON for each record, without a page
  --min-severity <level>  hide log records below trace, debug, info, warn, error, fatal, or a number from 0 to 24;
                          records without a severity are shown
  --no-spans              do not print spans
  --no-metrics            do not print metrics
  --sdk-metrics           print the metrics otel.sdk.* as well, by which an SDK measures itself
${COLOR_HELP}
  -h, --help              print this
  -v, --version           print the version

Commands ask the viewer that runs; each has its own --help:

  logs [query]            print log records that match
  trace <id>              print a trace: a summary, then its spans and logs
  services                print the services, with the numbers of their records
  export [query]          print records that match as OTLP/JSON lines
  import <file ...>       store OTLP/JSON lines
`

const PAGE_FLAGS = {
  port: { type: 'string' },
  open: { type: 'boolean' },
  db: { type: 'string' },
  'max-logs': { type: 'string' },
  'max-spans': { type: 'string' },
  'max-megabytes': { type: 'string' },
  'allow-host': { type: 'string', multiple: true },
  'allow-origin': { type: 'string', multiple: true },
  token: { type: 'string' },
  insecure: { type: 'boolean' },
  forward: { type: 'string' },
} as const
const TERMINAL_FLAGS = {
  'min-severity': { type: 'string' },
  spans: { type: 'boolean' },
  metrics: { type: 'boolean' },
  'sdk-metrics': { type: 'boolean' },
  color: { type: 'boolean' },
} as const

/** Largest request, both as sent and decompressed. */
const MAX_MESSAGE_BYTES = 4 * 2 ** 20
/** Largest bounds that keep the times of queries. */
const MAX_RECORDS = 10_000_000
const MAX_MEGABYTES = 100_000

export async function start(args: string[]): Promise<void> {
  const flags = readFlags(
    args,
    {
      ...PAGE_FLAGS,
      ...TERMINAL_FLAGS,
      'grpc-port': { type: 'string' },
      'http-port': { type: 'string' },
      host: { type: 'string' },
      terminal: { type: 'boolean' },
      json: { type: 'boolean' },
      version: { type: 'boolean', short: 'v' },
    },
    HELP,
  )
  if (flags === undefined) return
  const { values, positionals: files } = flags
  if (values.version === true) {
    process.stdout.write(`${packageJson.version}\n`)
    return
  }
  const receiver = {
    host: values.host ?? '127.0.0.1',
    grpcPort: toPort('--grpc-port', values['grpc-port'] ?? '4317'),
    httpPort: toPort('--http-port', values['http-port'] ?? '4318'),
    maxMessageBytes: MAX_MESSAGE_BYTES,
  }
  // grpc-js prints its own error about a port in use, ahead of the viewer's message with the option to change.
  grpc.setLogVerbosity(grpc.logVerbosity.NONE)
  // V8 collects garbage after each request with this flag, instead of after several.
  setFlagsFromString('--optimize-for-size')

  if (values.terminal === true || values.json === true) {
    refuse(values, PAGE_FLAGS, 'needs the page; leave out --terminal and --json')
    if (files.length > 0) {
      throw new UsageError(`${files[0]} is read by the page alone; leave out --terminal and --json`)
    }
    return startTerminal({
      ...receiver,
      minSeverity: toSeverity(values['min-severity'] ?? '0'),
      spans: values.spans ?? true,
      metrics: values.metrics ?? true,
      sdkMetrics: values['sdk-metrics'] ?? false,
      json: values.json ?? false,
      color: wantsColor(values.color),
    })
  }
  refuse(values, TERMINAL_FLAGS, 'needs --terminal')
  const { token, insecure = false, host } = values
  if (token !== undefined && !/^[\w-]{16,}$/.test(token)) {
    throw new UsageError('--token must have 16 or more letters, digits, - and _')
  }
  if (!isLoopback(host) && token === undefined && !insecure) {
    throw new UsageError(
      `--host ${host} lets other machines see the data. Add --token with a secret, or --insecure for none.`,
    )
  }
  const maxLogs = values['max-logs']
  const maxSpans = values['max-spans']
  const maxMegabytes = values['max-megabytes']
  await startPage({
    ...receiver,
    port: toPort('--port', values.port ?? '4319'),
    file: values.db,
    bounds: {
      ...(maxLogs !== undefined && { maxLogs: toCount('--max-logs', maxLogs, MAX_RECORDS) }),
      ...(maxSpans !== undefined && { maxSpans: toCount('--max-spans', maxSpans, MAX_RECORDS) }),
      ...(maxMegabytes !== undefined && {
        maxBytes: toCount('--max-megabytes', maxMegabytes, MAX_MEGABYTES) * 2 ** 20,
      }),
    },
    allowedHosts: (values['allow-host'] ?? []).map(checkAllowedHost),
    allowedOrigins: (values['allow-origin'] ?? []).map(checkOrigin),
    token: token ?? (insecure ? false : undefined),
    forwardUrl: values.forward,
    files,
    open: values.open ?? false,
  })
}

/** Refuses flags that have no effect. */
function refuse(values: Readonly<Record<string, unknown>>, flags: object, reason: string): void {
  const given = Object.keys(flags).find((flag) => values[flag] !== undefined)
  if (given !== undefined) throw new UsageError(`--${values[given] === false ? 'no-' : ''}${given} ${reason}`)
}

function isLoopback(host = 'localhost'): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

function checkAllowedHost(name: string): string {
  if (/^(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(name)) return name
  throw new UsageError(`--allow-host must be a name, or a name and a port, not ${JSON.stringify(name)}`)
}

function checkOrigin(origin: string): string {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return origin
  throw new UsageError(
    `--allow-origin must be an origin such as http://localhost:5173, not ${JSON.stringify(origin)}`,
  )
}

function toSeverity(text: string): number {
  const range = parseSeverity(text)
  if (range !== undefined) return range.first
  throw new UsageError(`--min-severity must be ${SEVERITY_FORMS}, not ${JSON.stringify(text)}`)
}
