/** Programs with bunyan 1.8, the newest version that the official instrumentation supports. Its own output is discarded. */
import { createRequire } from 'node:module'
import { discard } from '../lib/discard.js'
import { startInstrumented } from '../lib/instrumented.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'bunyan 1.8', start: () => open([]) },
  idle: {
    title: 'bunyan + a stream that does nothing',
    start: () => open([{ type: 'raw', stream: { write() {} } }]),
  },
  unprovided: {
    title: 'bunyan + @logbridge/bunyan otelStream without a LoggerProvider',
    async start() {
      const { otelStream } = await import('@logbridge/bunyan')
      return open([otelStream()])
    },
  },
  logbridge: {
    title: 'bunyan + @logbridge/bunyan otelStream + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      const { otelStream } = await import('@logbridge/bunyan')
      return open([otelStream()], pipeline)
    },
  },
  official: {
    title: "bunyan + @opentelemetry/instrumentation-bunyan + SDK 3.x, no trace ids in bunyan's own output",
    start: (url) => instrumented(url, { disableLogCorrelation: true }),
  },
  'official-defaults': {
    title: 'bunyan + @opentelemetry/instrumentation-bunyan + SDK 3.x, defaults',
    start: (url) => instrumented(url, {}),
  },
}

async function instrumented(url, options) {
  const { BunyanInstrumentation } = await import('@opentelemetry/instrumentation-bunyan')
  const pipeline = await startInstrumented(url, new BunyanInstrumentation(options))
  return open([], pipeline)
}

async function open(streams, pipeline) {
  // The instrumentation patches required modules without a loader hook.
  const bunyan = createRequire(import.meta.url)('bunyan')
  const logger = bunyan.createLogger({ name: 'bench', streams: [{ stream: discard() }, ...streams] })
  return {
    ...pipeline,
    log: (message, fields) => logger.info(fields, message),
    debug: (message, fields) => logger.debug(fields, message),
  }
}
