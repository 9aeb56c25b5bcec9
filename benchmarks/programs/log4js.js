/** log4js, whose own output goes nowhere. */
import log4js from 'log4js'
import { discard } from '../lib/discard.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'log4js', start: () => open({}) },
  logbridge: {
    title: 'log4js + @logbridge/log4js + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      return open({ otel: { type: await import('@logbridge/log4js') } }, pipeline)
    },
  },
}

/** As log4js's own appenders: the layout makes a text, and a stream takes it. */
const nowhere = {
  configure(_options, layouts) {
    const stream = discard()
    return (event) => stream.write(`${layouts.basicLayout(event)}\n`)
  },
}

function open(appenders, pipeline) {
  log4js.configure({
    appenders: { own: { type: nowhere }, ...appenders },
    categories: { default: { appenders: ['own', ...Object.keys(appenders)], level: 'info' } },
  })
  const logger = log4js.getLogger('bench')
  return { ...pipeline, log: (message, fields) => logger.info(message, fields) }
}
