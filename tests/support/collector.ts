import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A running Collector, and what it has understood of what it was sent. */
export interface Collector {
  /** OTLP/gRPC, like `http://127.0.0.1:4317`. */
  readonly grpcUrl: string
  /** OTLP/HTTP, like `http://127.0.0.1:4318`. */
  readonly httpUrl: string
  /** Everything so far, as the OTLP/JSON that the Collector forwards. */
  readonly received: {
    readonly resourceLogs: any[]
    readonly resourceSpans: any[]
    readonly resourceMetrics: any[]
  }
  /** Ends it with SIGKILL: what it was about to do it does not do. */
  kill(): Promise<void>
  /** Starts it again, after a kill too, on the same ports and with all that it has received before. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Receives OTLP on both protocols and forwards it to SINK, an HTTP server of the test, as OTLP/JSON. */
const CONFIG = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:\${env:GRPC_PORT}" }
      http: { endpoint: "127.0.0.1:\${env:HTTP_PORT}" }
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

/** Forwards to another one, at NEXT_PORT, at once and reports what became of it: it neither queues nor tries again. */
export const AGENT: string = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:\${env:GRPC_PORT}" }
      http: { endpoint: "127.0.0.1:\${env:HTTP_PORT}" }
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
/** Starts on the same ports before `restart` fails: a connection of another program may hold one of them for a while. */
const RESTARTS = 10
const RESTART_DELAY_MILLIS = 1000
const NAME = process.platform === 'win32' ? 'otelcol.exe' : 'otelcol'

/** The Collector's program: `OTELCOL`, else on the PATH, else beside the repository. */
export function findCollector(): string | undefined {
  const named = process.env['OTELCOL']
  if (named) return named
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, NAME))
  const beside = fileURLToPath(new URL(`../../../shared/collector/${NAME}`, import.meta.url))
  return [...onPath, beside].find((path) => existsSync(path))
}

/** How a Collector differs from one that keeps everything it receives. */
export interface CollectorOptions {
  /** In place of one that forwards to SINK; GRPC_PORT and HTTP_PORT are its ports. */
  readonly config?: string
  /** Variables for `config`. */
  readonly env?: Readonly<Record<string, string>>
  /** Takes what arrives of logs, in place of `received`: where it would be too much to keep. */
  readonly onLogs?: (resourceLogs: any[]) => void
}

/**
 * Starts a Collector on free ports. Since it cannot be told to choose them itself, ports are tried until it starts.
 * @throws when it does not start, with what it printed
 */
export async function startCollector(program: string, options: CollectorOptions = {}): Promise<Collector> {
  const received: Collector['received'] = { resourceLogs: [], resourceSpans: [], resourceMetrics: [] }
  const keepLogs = options.onLogs ?? ((logs: any[]) => void received.resourceLogs.push(...logs))
  const sink = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Partial<
        Record<keyof typeof received, any[]>
      >
      if (body.resourceLogs) keepLogs(body.resourceLogs)
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

/** Asks until it answers a request without anything in it, or has ended. */
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
 * Ends a Collector at once. Told to end by itself it waits for every connection to its gRPC port, also for one that has never
 * said anything: up to two minutes.
 */
export async function endCollector(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/**
 * Finds two free ports outside the ranges from which systems choose the ports of outgoing connections (from 32,768 on Linux,
 * from 49,152 elsewhere), so that a stopped Collector finds its ports free again.
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
