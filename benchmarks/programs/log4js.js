/** Programs with log4js. Its own output is discarded. */
import log4js from 'log4js'
import { discard } from '../lib/discard.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'log4js', start: () => open('bare', {}) },
  idle: {
    title: 'log4js + an appender that does nothing',
    start: () => open('idle', { idle: { type: { configure: () => () => {} } } }),
  },
  unprovided: {
    title: 'log4js + @logbridge/log4js without a LoggerProvider',
    start: async () => open('unprovided', { otel: { type: await import('@logbridge/log4js') } }),
  },
  logbridge: {
    title: 'log4js + @logbridge/log4js + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      return open('logbridge', { otel: { type: await import('@logbridge/log4js') } }, pipeline)
    },
  },
}

/** Appender that formats the event with a layout and discards the text, like log4js's stream appenders. */
const discardAppender = {
  configure(_options, layouts) {
    const stream = discard()
    return (event) => stream.write(`${layouts.basicLayout(event)}\n`)
  },
}

/** Configuration of the process, to which each program adds its category. */
const configuration = {
  appenders: { own: { type: discardAppender } },
  categories: { default: { appenders: ['own'], level: 'info' } },
}

function open(category, appenders, pipeline) {
  Object.assign(configuration.appenders, appenders)
  configuration.categories[category] = { appenders: ['own', ...Object.keys(appenders)], level: 'info' }
  log4js.configure(configuration)
  const logger = log4js.getLogger(category)
  return {
    ...pipeline,
    log: (message, fields) => logger.info(message, fields),
    debug: (message, fields) => logger.debug(message, fields),
  }
}
