/** Programs with a console whose output is discarded. */
import { Console } from 'node:console'
import { discard } from '../lib/discard.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'console', start: () => open(new Console(discard())) },
  idle: {
    title: 'console + a wrapper that does nothing',
    start() {
      const console = new Console(discard())
      return open({ info: (...args) => console.info(...args), debug: (...args) => console.debug(...args) })
    },
  },
  unprovided: {
    title: 'console + @logbridge/console, from info on, without a LoggerProvider',
    start: () => openBridged(),
  },
  logbridge: {
    title: 'console + @logbridge/console + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      return openBridged(pipeline)
    },
  },
}

async function openBridged(pipeline) {
  const { bridgeConsole } = await import('@logbridge/console')
  const console = new Console(discard())
  bridgeConsole({ console, level: 'info' })
  return open(console, pipeline)
}

function open(console, pipeline) {
  return {
    ...pipeline,
    log: (message, fields) => console.info(message, fields),
    debug: (message, fields) => console.debug(message, fields),
  }
}
