import { bridgeConsole } from '@logbridge/console'
import { AggregationType, startTelemetry } from '@logbridge/core'
import { OtelTransport } from '@logbridge/winston'
import { metrics, trace } from '@opentelemetry/api'
import { hostname } from 'node:os'
import winston from 'winston'

/** Attributes of every service of the team. */
const commonTags = { 'team.name': 'checkout', 'team.cost_center': 4711 }

const batch = {
  maxQueueSize: 5120,
  maxExportBatchSize: 1024,
  scheduledDelayMillis: 2000,
  exportTimeoutMillis: 10_000,
}

const { OTEL_EXPORTER_OTLP_ENDPOINT = 'http://localhost:4317', PROMETHEUS_PORT } = process.env
// With PROMETHEUS_PORT, metrics are served for Prometheus instead of pushed.
const prometheus = PROMETHEUS_PORT ? { host: '127.0.0.1', port: Number(PROMETHEUS_PORT) } : undefined

const telemetry = startTelemetry({
  endpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
  protocol: 'grpc',
  resource: {
    'service.namespace': 'shop',
    'service.name': 'payments',
    'service.instance.id': `payments-${process.pid}`,
    'host.name': hostname(),
    'shop.region': 'eu-west',
    'shop.shelves': 12,
    'shop.canary': true,
    ...commonTags,
  },
  logs: batch,
  traces: { ...batch, compression: 'gzip' },
  metrics: {
    exportIntervalMillis: 15_000,
    exportTimeoutMillis: 5000,
    views: [
      {
        instrumentName: 'payment.amount',
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: [10, 50, 100] },
        },
      },
    ],
    prometheus,
  },
})

// Records come from the console, and from the root logger with all of its children.
const restoreConsole = bridgeConsole()
const rootLogger = winston.createLogger({ level: 'debug', transports: [new OtelTransport()] })

const logger = rootLogger.child({ label: 'payments' })
const payments = metrics.getMeter('payments').createCounter('payments', { unit: '{payment}' })
const amounts = metrics.getMeter('payments').createHistogram('payment.amount', { unit: 'EUR' })

for (const amount of [20, 75, 900]) {
  trace.getTracer('payments').startActiveSpan('pay', (span) => {
    logger.debug('paying', { amount })
    const isPaid = amount <= 500
    if (!isPaid) logger.error('payment failed', new RangeError('amount is over the limit'))
    payments.add(1, { outcome: isPaid ? 'paid' : 'failed' })
    amounts.record(amount)
    span.end()
  })
}
console.log('the day is over', { payments: 3 })
restoreConsole()

if (prometheus) {
  const response = await fetch(`http://${prometheus.host}:${prometheus.port}/metrics`)
  console.log(await response.text())
}
await telemetry.shutdown()
