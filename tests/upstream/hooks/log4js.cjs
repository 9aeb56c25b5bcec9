// Adds appenders to each category of log4js.
const { otelAppender } = require('@logbridge/log4js')
const { countNeutral, isLogbridgeAttached, loggerProvider } = require('./records.cjs')

const attached = { neutral: { type: { configure: () => () => countNeutral() } } }
if (isLogbridgeAttached) attached.logbridge = { type: otelAppender({ loggerProvider }) }

function attach({ appenders, categories }) {
  Object.assign(appenders, attached)
  for (const { appenders: names } of Object.values(categories)) names.push(...Object.keys(attached))
}

function isValid(candidate) {
  const { appenders, categories } = candidate ?? {}
  if (typeof appenders !== 'object' || typeof categories !== 'object' || categories === null) return false
  return Object.values(categories).every(
    (category) => Array.isArray(category?.appenders) && category.appenders.length > 0,
  )
}

module.exports = (configuration) => ({
  ...configuration,
  configure(candidate) {
    if (isValid(candidate)) attach(candidate)
    return configuration.configure(candidate)
  },
})
