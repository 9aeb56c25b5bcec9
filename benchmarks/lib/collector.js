import { startCollector } from '@logbridge/test-support/collector'
import { freePort } from '@logbridge/test-support/ports'

export { findCollector } from '@logbridge/test-support/collector'

/** Configuration that discards all records and counts them. */
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

/** Starts a Collector with the interface of the counting receiver. */
export async function startNopCollector(program) {
  const port = await freePort()
  const collector = await startCollector(program, { config: NOP, env: { METRICS_PORT: String(port) } })
  let taken = 0
  return {
    url: collector.grpcUrl,
    /** Returns the number of accepted records since the last call. */
    async take() {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`)
      const metrics = await response.text()
      const [, value = '0'] = metrics.match(/^otelcol_receiver_accepted_log_records\S* (\S+)$/m) ?? []
      const records = Number(value) - taken
      taken = Number(value)
      return records
    },
    stop: () => collector.stop(),
  }
}
