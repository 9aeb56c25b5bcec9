/** A console that prints nowhere. */
import { Console } from 'node:console'
import { discard } from '../lib/discard.js'
import { startLogbridge } from '../lib/pipelines.js'

export const programs = {
  bare: { title: 'console', start: () => open(new Console(discard())) },
  logbridge: {
    title: 'console + @logbridge/console + @logbridge/core',
    async start(url) {
      const pipeline = await startLogbridge(url)
      const { bridgeConsole } = await import('@logbridge/console')
      const console = new Console(discard())
      bridgeConsole({ console })
      return open(console, pipeline)
    },
  },
}

function open(console, pipeline) {
  return { ...pipeline, log: (message, fields) => console.info(message, fields) }
}
