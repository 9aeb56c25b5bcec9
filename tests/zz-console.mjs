// child: console exporter with closed stdout
process.env.OTEL_LOGS_EXPORTER = 'console'
process.env.OTEL_TRACES_EXPORTER = process.argv[2] ?? 'none'
process.env.OTEL_METRICS_EXPORTER = process.argv[2] ?? 'none'
const { startTelemetry } = await import('@logbridge/core')
const t = startTelemetry()
const l = t.loggerProvider.getLogger('x')
for (let i = 0; i < 50; i++) {
  l.emit({ body: 'x'.repeat(1000) })
  if (process.argv[2]) t.tracerProvider.getTracer('a').startSpan('s').end()
  await new Promise((r) => setTimeout(r, 20))
}
await t.shutdown()
process.stderr.write('alive\n')
