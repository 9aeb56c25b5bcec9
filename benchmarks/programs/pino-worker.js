/** Programs with pino and a worker thread of `pino.transport`. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { traceContext } from '@logbridge/pino'
import pino from 'pino'
import { resolve } from '../otel-2/packages.js'

const file = { target: 'pino/file', options: { destination: '/dev/null' } }

export const programs = {
  bare: { title: 'pino/file into /dev/null', start: () => open(file) },
  'bare-traced': {
    title: 'pino/file into /dev/null, with traceContext()',
    start: () => open(file, traceContext()),
  },
  logbridge: {
    title: '@logbridge/pino, with traceContext()',
    start: (url) =>
      open({ target: '@logbridge/pino', options: { endpoint: url, serviceName: 'bench' } }, traceContext()),
  },
  official: {
    title: 'pino-opentelemetry-transport, without trace context',
    async start(url) {
      const exporterOptions = { protocol: 'grpc', grpcExporterOptions: { url } }
      const target = resolve('pino-opentelemetry-transport')
      const options = {
        resourceAttributes: { 'service.name': 'bench' },
        logRecordProcessorOptions: { recordProcessorType: 'batch', exporterOptions },
      }
      // The transport has no flush. After 6 seconds, its processor has sent the records of the warm-up.
      return { ...(await open({ target, options })), flush: () => delay(6000) }
    },
  },
}

async function open(transportOptions, options) {
  const transport = pino.transport(transportOptions)
  const logger = pino({ name: 'bench', ...options }, transport)
  await once(transport, 'ready')
  return {
    log: (message, fields) => logger.info(fields, message),
    flush: () => new Promise((resolve) => logger.flush(resolve)),
    async finish() {
      const closed = once(transport, 'close')
      transport.end()
      await closed
    },
  }
}
