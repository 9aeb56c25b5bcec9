// Sets up telemetry in the main thread and in two worker threads. In a third worker thread, an adapter gets its own provider.
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { createLoggerProvider, startTelemetry } from '@logbridge/core'
import { otelStream } from '@logbridge/pino'
import { OtelTransport } from '@logbridge/winston'
import { pino } from 'pino'
import winston from 'winston'

const name = isMainThread ? 'main thread' : workerData
if (name === 'adapter alone') {
  const loggerProvider = createLoggerProvider({ register: false })
  pino(otelStream({ loggerProvider })).info(name)
} else {
  startTelemetry()
  winston.createLogger({ transports: [new OtelTransport()] }).info(name)
}
if (isMainThread) {
  for (const workerData of ['first thread', 'second thread', 'adapter alone']) {
    // oxlint-disable-next-line no-new
    new Worker(new URL(import.meta.url), { workerData })
  }
}
