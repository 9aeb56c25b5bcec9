/**
 * Child process that imports a package, starts all signals with defaults, and sends a record: `start.js NAME URL`. Sends the time and
 * the CPU time of the import, and of everything up to the acknowledged record.
 */
const [name, url] = process.argv.slice(2)
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url
process.env.OTEL_EXPORTER_OTLP_PROTOCOL = 'grpc'

const imports = {
  async logbridge() {
    const { startTelemetry } = await import('@logbridge/core')
    return () => startTelemetry()
  },
  async sdk() {
    const { NodeSDK } = await import('@opentelemetry/sdk-node')
    return () => new NodeSDK().start()
  },
}

const start = performance.now()
const startCpu = process.cpuUsage()
const startSignals = await imports[name]()
const imported = elapsed()
startSignals()
const { logs } = await import('@opentelemetry/api')
logs.getLogger('start').emit({ body: 'first record' })
// Providers of both packages have `forceFlush`.
await logs.getLoggerProvider().forceFlush()
const sent = elapsed()
process.send({
  records: 1,
  importMillis: imported.millis,
  importCpuMillis: imported.cpuMillis,
  millis: sent.millis,
  cpuMillis: sent.cpuMillis,
})
process.exit()

function elapsed() {
  const { user, system } = process.cpuUsage(startCpu)
  return { millis: performance.now() - start, cpuMillis: (user + system) / 1000 }
}
