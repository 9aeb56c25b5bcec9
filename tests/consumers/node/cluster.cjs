// Sets up telemetry in the primary and two workers of a cluster. A disconnected worker ends by itself.
const cluster = require('node:cluster')
const { startTelemetry } = require('@logbridge/core')
const { otelStream } = require('@logbridge/pino')
const { OtelTransport } = require('@logbridge/winston')
const { pino } = require('pino')
const winston = require('winston')

startTelemetry()
const name = cluster.isPrimary ? 'primary' : `worker ${cluster.worker.id}`
winston.createLogger({ transports: [new OtelTransport()] }).info(`winston in ${name}`)
pino(otelStream()).info(`pino in ${name}`)
if (cluster.isPrimary) {
  cluster.fork()
  cluster.fork()
} else {
  cluster.worker.disconnect()
}
