/** Programs with pino in the main thread. Its own output is discarded. */
import { createRequire } from 'node:module'
import { discard } from '../lib/discard.js'
import { startInstrumented } from '../lib/instrumented.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'pino', start: () => open(() => discard()) },
  idle: {
    title: 'pino + a stream that does nothing',
    start: () => open((pino) => pino.multistream([{ stream: discard() }, { stream: { write() {} } }])),
  },
  unprovided: {
    title: 'pino + @logbridge/pino otelStream without a LoggerProvider',
    start: () => openBridged(),
  },
  logbridge: {
    title: 'pino + @logbridge/pino otelStream + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      return openBridged(pipeline)
    },
  },
  line: {
    title: "pino + @logbridge/pino otelStream({ source: 'line' }) + @logbridge/core",
    async start(url) {
      const pipeline = await startLogbridge(url)
      return openBridged(pipeline, { source: 'line' })
    },
  },
  official: {
    title: "pino + @opentelemetry/instrumentation-pino + SDK 3.x, no trace ids in pino's own output",
    start: (url) => instrumented(url, { disableLogCorrelation: true }),
  },
  'official-defaults': {
    title: 'pino + @opentelemetry/instrumentation-pino + SDK 3.x, defaults',
    start: (url) => instrumented(url, {}),
  },
}

async function openBridged(pipeline, options) {
  const { otelStream } = await import('@logbridge/pino')
  return open((pino) => pino.multistream([{ stream: discard() }, { stream: otelStream(options) }]), pipeline)
}

async function instrumented(url, options) {
  const { PinoInstrumentation } = await import('@opentelemetry/instrumentation-pino')
  const pipeline = await startInstrumented(url, new PinoInstrumentation(options))
  return open(() => discard(), pipeline)
}

async function open(destination, pipeline) {
  // The instrumentation patches required modules without a loader hook.
  const pino = createRequire(import.meta.url)('pino')
  const logger = pino({ name: 'bench' }, destination(pino))
  return {
    ...pipeline,
    log: (message, fields) => logger.info(fields, message),
    debug: (message, fields) => logger.debug(fields, message),
  }
}
