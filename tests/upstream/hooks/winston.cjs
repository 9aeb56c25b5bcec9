// Adds transports to each logger of winston. `logger.transports` hides them, because many tests count the transports.
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { OtelTransport } = require('@logbridge/winston')
const { countNeutral, isLogbridgeAttached, loggerProvider } = require('./records.cjs')

const requireOfSuite = createRequire(join(process.env.UPSTREAM_FOLDER, 'package.json'))

function createNeutral() {
  const Transport = requireOfSuite('winston-transport')
  return new Transport({
    log(_info, next) {
      countNeutral()
      next()
    },
  })
}

function createTransports() {
  return isLogbridgeAttached ? [createNeutral(), new OtelTransport({ loggerProvider })] : [createNeutral()]
}

module.exports = (createLogger) => (options) => {
  const logger = createLogger(options)
  const attached = createTransports()
  for (const transport of attached) logger.add(transport)
  const prototype = Object.getPrototypeOf(logger)
  Object.defineProperty(logger, 'transports', {
    get() {
      return Reflect.get(prototype, 'transports', this).filter((transport) => !attached.includes(transport))
    },
  })
  return logger
}
