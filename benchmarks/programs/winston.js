/** Programs with winston. Its own output is discarded. */
import { LARGE_QUEUE, startLogbridge, startSdk } from '../lib/pipelines.js'
import { discard } from '../lib/discard.js'
import { load as load2 } from '../otel-2/packages.js'

export const programs = {
  bare: { title: 'winston', start: () => open([]) },
  idle: {
    title: 'winston + a transport that does nothing',
    async start() {
      const { default: winston } = await import('winston')
      return open([new winston.Transport({ log: (_info, next) => next() })])
    },
  },
  unprovided: {
    title: 'winston + @logbridge/winston without a LoggerProvider',
    async start() {
      const { OtelTransport } = await import('@logbridge/winston')
      return open([new OtelTransport()])
    },
  },
  logbridge: {
    title: 'winston + @logbridge/winston + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      const { OtelTransport } = await import('@logbridge/winston')
      return open([new OtelTransport()], pipeline)
    },
  },
  official: {
    title: 'winston + @opentelemetry/winston-transport + SDK 2.x',
    load: load2,
    async start(url) {
      const pipeline = await startSdk(url, LARGE_QUEUE, load2)
      const { OpenTelemetryTransportV3 } = await load2('@opentelemetry/winston-transport')
      return open([new OpenTelemetryTransportV3()], pipeline)
    },
  },
}

async function open(transports, pipeline) {
  const { default: winston } = await import('winston')
  const own = new winston.transports.Stream({ stream: discard() })
  const logger = winston.createLogger({ transports: [own, ...transports] })
  return {
    ...pipeline,
    log: (message, fields) => logger.info(message, fields),
    debug: (message, fields) => logger.debug(message, fields),
  }
}
