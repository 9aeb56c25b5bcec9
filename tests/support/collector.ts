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

const START_MILLIS = 20_000
const NAME = process.platform === 'win32' ? 'otelcol.exe' : 'otelcol'

/** The Collector's program: `OTELCOL`, else on the PATH, else beside the repository. */
export function findCollector(): string | undefined {
  const named = process.env['OTELCOL']
  if (named) return named
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, NAME))
  const beside = fileURLToPath(new URL(`../../../shared/collector/${NAME}`, import.meta.url))
  return [...onPath, beside].find((path) => existsSync(path))
}

/**
 * Starts a Collector on free ports. Since it cannot be told to choose them itself, ports are tried until it starts.
 * @throws when it does not start, with what it printed
 */
export async function startCollector(program: string): Promise<Collector> {
  const received: Collector['received'] = { resourceLogs: [], resourceSpans: [], resourceMetrics: [] }
  const sink = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Partial<
        Record<keyof typeof received, any[]>
      >
      received.resourceLogs.push(...(body.resourceLogs ?? []))
      received.resourceSpans.push(...(body.resourceSpans ?? []))
      received.resourceMetrics.push(...(body.resourceMetrics ?? []))
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const sinkUrl = `http://127.0.0.1:${(sink.address() as AddressInfo).port}`

  for (let attempt = 1; ; attempt += 1) {
    const [grpcPort, httpPort] = await freePorts()
    const env = { GRPC_PORT: `${grpcPort}`, HTTP_PORT: `${httpPort}`, SINK: sinkUrl }
    const child = spawn(program, ['--config', `yaml:${CONFIG}`], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed: string[] = []
    child.once('error', (error) => printed.push(error.message))
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => printed.push(String(chunk)))
    if (await isUp(child, `http://127.0.0.1:${httpPort}/v1/logs`)) {
      return {
        grpcUrl: `http://127.0.0.1:${grpcPort}`,
        httpUrl: `http://127.0.0.1:${httpPort}`,
        received,
        async stop() {
          await endCollector(child)
          sink.close()
          sink.closeAllConnections()
        },
      }
    }
    await endCollector(child)
    if (attempt === 3) {
      sink.close()
      throw new Error(`the Collector ${program} did not start:\n${printed.join('')}`)
    }
  }
}

/** Asks until it accepts a request without anything in it, or has ended. */
async function isUp(child: ChildProcess, url: string): Promise<boolean> {
  const deadline = performance.now() + START_MILLIS
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

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer().listen(0, '127.0.0.1'), createServer().listen(0, '127.0.0.1')] as const
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const [grpc, http] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return [grpc as number, http as number]
}
