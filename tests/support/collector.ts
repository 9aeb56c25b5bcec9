import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Running Collector, and the records that it decoded. */
export interface Collector {
  /** Endpoint of OTLP/gRPC, such as `http://127.0.0.1:4317`. */
  readonly grpcUrl: string
  /** Endpoint of OTLP/HTTP, such as `http://127.0.0.1:4318`. */
  readonly httpUrl: string
  /** All received data, as OTLP/JSON that the Collector forwards. */
  readonly received: {
    readonly resourceLogs: any[]
    readonly resourceSpans: any[]
    readonly resourceMetrics: any[]
  }
  /** Ends the Collector with SIGKILL. */
  kill(): Promise<void>
  /** Starts the Collector again on its ports, also after `kill`. Keeps `received`. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Part of a configuration that receives OTLP over both protocols at GRPC_PORT and HTTP_PORT. */
export const RECEIVERS: string = `receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:\${env:GRPC_PORT}" }
      http: { endpoint: "127.0.0.1:\${env:HTTP_PORT}" }`

/** Configuration that forwards both protocols as OTLP/JSON to SINK, an HTTP server of the test. */
export const CONFIG: string = `
${RECEIVERS}
exporters:
  otlp_http:
    endpoint: "\${env:SINK}"
    encoding: json
    compression: none
    sending_queue: { enabled: false }
service:
  telemetry: { metrics: { level: none }, logs: { level: warn } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_http] }
    traces: { receivers: [otlp], exporters: [otlp_http] }
    metrics: { receivers: [otlp], exporters: [otlp_http] }
`

/** Configuration that forwards to a Collector at NEXT_PORT without queue and retry, and returns its answer. */
export const AGENT: string = `
${RECEIVERS}
exporters:
  otlp_grpc:
    endpoint: "127.0.0.1:\${env:NEXT_PORT}"
    tls: { insecure: true }
    timeout: 1s
    retry_on_failure: { enabled: false }
    sending_queue: { enabled: false }
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    logs: { receivers: [otlp], exporters: [otlp_grpc] }
`

const START_MILLIS = 20_000
/** Attempts to start on the same ports, because a connection of another program may use a port for a while. */
const RESTARTS = 10
const RESTART_DELAY_MILLIS = 1000
const NAME = process.platform === 'win32' ? 'otelcol.exe' : 'otelcol'

/** Finds the program of the Collector: `OTELCOL`, else on the PATH, else beside the repository. */
export function findCollector(): string | undefined {
  const named = process.env['OTELCOL']
  if (named) return named
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, NAME))
  const beside = fileURLToPath(new URL(`../../../shared/collector/${NAME}`, import.meta.url))
  return [...onPath, beside].find((path) => existsSync(path))
}

/** Options of `startCollector`. */
export interface CollectorOptions {
  /**
   * Configuration of the Collector, with GRPC_PORT and HTTP_PORT as its ports.
   *
   * @default a configuration that forwards to SINK
   */
  readonly config?: string
  /** Variables for `config`. */
  readonly env?: Readonly<Record<string, string>>
  /** Receives the log records instead of `received`, for tests with too many records to keep. */
  readonly onLogs?: (resourceLogs: any[]) => void
}

/**
 * Starts a Collector on free ports. Tries ports until the Collector starts, because the Collector does not accept port 0.
 *
 * @throws Error with the output of the Collector, when it does not start
 */
export async function startCollector(program: string, options: CollectorOptions = {}): Promise<Collector> {
  const received: Collector['received'] = { resourceLogs: [], resourceSpans: [], resourceMetrics: [] }
  const onLogs = options.onLogs ?? ((logs: any[]) => void received.resourceLogs.push(...logs))
  const sink = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Partial<
        Record<keyof typeof received, any[]>
      >
      if (body.resourceLogs) onLogs(body.resourceLogs)
      received.resourceSpans.push(...(body.resourceSpans ?? []))
      received.resourceMetrics.push(...(body.resourceMetrics ?? []))
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`

  let child: ChildProcess | undefined
  let ports: [number, number]
  let printed: string[] = []

  async function start(): Promise<boolean> {
    const [grpcPort, httpPort] = ports
    const env = { GRPC_PORT: `${grpcPort}`, HTTP_PORT: `${httpPort}`, SINK: sinkUrl, ...options.env }
    const started = spawn(program, ['--config', `yaml:${options.config ?? CONFIG}`], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    printed = []
    started.once('error', (error) => printed.push(error.message))
    for (const stream of [started.stdout, started.stderr])
      stream.on('data', (chunk) => printed.push(String(chunk)))
    if (await isUp(started, httpPort)) return true
    await endCollector(started)
    return false
  }
  async function kill(): Promise<void> {
    if (child) await endCollector(child)
  }
  async function stop(): Promise<void> {
    await kill()
    sink.close()
    sink.closeAllConnections()
  }

  for (let attempt = 1; attempt <= 3; attempt += 1) {
    ports = await freePorts()
    if (!(await start())) continue
    const [grpcPort, httpPort] = ports
    return {
      grpcUrl: `http://127.0.0.1:${grpcPort}`,
      httpUrl: `http://127.0.0.1:${httpPort}`,
      received,
      kill,
      async restart() {
        await kill()
        for (let attempt = 1; attempt <= RESTARTS; attempt += 1) {
          if (await start()) return
          await delay(RESTART_DELAY_MILLIS)
        }
        throw failed()
      },
      stop,
    }
  }
  await stop()
  throw failed()

  function failed(): Error {
    return new Error(`the Collector ${program} did not start:\n${printed.join('')}`)
  }
}

/** Sends empty requests until the Collector answers, ends, or the time is up. */
async function isUp(child: ChildProcess, httpPort: number): Promise<boolean> {
  const deadline = performance.now() + START_MILLIS
  const url = `http://127.0.0.1:${httpPort}/v1/logs`
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  while (isRunning(child) && performance.now() < deadline) {
    const response = await fetch(url, request).catch(() => undefined)
    if (response?.ok) return true
    await delay(50)
  }
  return false
}

function isRunning({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid !== undefined && exitCode === null && signalCode === null
}

/**
 * Ends a Collector with SIGKILL. After SIGTERM the Collector waits up to two minutes for every connection to its gRPC port, also
 * for silent ones.
 */
export async function endCollector(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/**
 * Finds two free ports below the ranges of outgoing connections (from 32,768 on Linux, from 49,152 on other systems), so that the
 * ports of a stopped Collector stay free.
 */
async function freePorts(): Promise<[number, number]> {
  const ports: number[] = []
  while (ports.length < 2) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (!ports.includes(port) && (await isFree(port))) ports.push(port)
  }
  return ports as [number, number]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (free) await once(server.close(), 'close')
  return free
}
