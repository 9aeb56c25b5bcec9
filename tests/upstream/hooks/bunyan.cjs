// Adds streams to each logger of bunyan. A child has the streams of its parent.
const { otelStream } = require('@logbridge/bunyan')
const { countNeutral, isLogbridgeAttached, loggerProvider } = require('./records.cjs')

const neutral = { type: 'raw', name: 'neutral', closeOnExit: false, stream: { write: countNeutral } }

function attach(logger) {
  const streams = isLogbridgeAttached ? [neutral, otelStream({ loggerProvider })] : [neutral]
  // A lower level would change the level of the logger.
  const level = logger.level()
  for (const stream of streams) logger.addStream({ ...stream, level })
  return logger
}

module.exports = (Logger) => {
  const { createLogger } = Logger
  // The tests call `createLogger` with `new` as well.
  Logger.createLogger = function (options) {
    return attach(createLogger(options))
  }
  return new Proxy(Logger, {
    construct(target, args, newTarget) {
      const logger = Reflect.construct(target, args, newTarget)
      return args[0] instanceof Logger ? logger : attach(logger)
    },
  })
}
