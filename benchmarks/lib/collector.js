import { once } from 'node:events'
import { createServer } from 'node:net'
import { startCollector } from '../../tests/support/collector.ts'

export { findCollector } from '../../tests/support/collector.ts'

/** Throws everything away, and counts what it has taken. */
const NOP = `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "127.0.0.1:\${env:GRPC_PORT}" }
      http: { endpoint: "127.0.0.1:\${env:HTTP_PORT}" }
exporters:
  nop: {}
service:
  telemetry:
    logs: { level: warn }
    metrics:
      level: basic
      readers: [{ pull: { exporter: { prometheus: { host: 127.0.0.1, port: "\${env:METRICS_PORT}" } } } }]
  pipelines:
    logs: { receivers: [otlp], exporters: [nop] }
`

/** A real Collector as a receiver, as `startReceiver` starts ours. */
export async function startNopCollector(program) {
  const port = await freePort()
  const collector = await startCollector(program, { config: NOP, env: { METRICS_PORT: String(port) } })
  let before = 0
  return {
    url: collector.grpcUrl,
    /** How many records it has taken since the last call. */
    async take() {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`)
      const metrics = await response.text()
      const [, value = '0'] = metrics.match(/^otelcol_receiver_accepted_log_records\S* (\S+)$/m) ?? []
      const records = Number(value) - before
      before = Number(value)
      return records
    },
    stop: () => collector.stop(),
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  await once(server.close(), 'close')
  return port
}
