// Writes each line of pino to more destinations as well.
const { otelStream } = require('@logbridge/pino')
const { countNeutral, isLogbridgeAttached, loggerProvider } = require('./records.cjs')

const METADATA = Symbol.for('pino.metadata')
const attached = new WeakSet()

function attach(stream) {
  if (attached.has(stream)) return
  attached.add(stream)
  const others = [{ write: countNeutral }]
  if (isLogbridgeAttached) others.push(otelStream({ loggerProvider }))
  const { write } = stream
  stream[METADATA] = true
  stream.write = function (line, ...rest) {
    const { lastLevel, lastTime, lastObj, lastMsg, lastLogger } = this
    const result = Reflect.apply(write, this, [line, ...rest])
    // Only pino sets the logger: a write of other code is no record.
    if (lastLogger === undefined) return result
    this.lastLogger = undefined
    for (const other of others) {
      Object.assign(other, { lastLevel, lastTime, lastObj, lastMsg, lastLogger })
      other.write(line)
    }
    return result
  }
}

// pino calls the normalizer with the arguments of each `pino()`, and gets the stream from it.
module.exports = (tools) => ({
  ...tools,
  createArgsNormalizer(...defaults) {
    const normalize = tools.createArgsNormalizer(...defaults)
    return function (...args) {
      const normalized = Reflect.apply(normalize, this, args)
      attach(normalized.stream)
      return normalized
    }
  },
})
