// Counts records, and names the destination that is attached.
const { openSync, writeSync } = require('node:fs')
const { LoggerProvider } = require('@opentelemetry/sdk-logs')

const records = openSync(process.env.UPSTREAM_RECORDS, 'a')

/** Adds a letter to the file of records. The file is complete when the process is killed as well. */
const countAs = (letter) => () => void writeSync(records, letter)
const ended = async () => {}

module.exports = {
  countNeutral: countAs('n'),
  isLogbridgeAttached: process.env.UPSTREAM_DESTINATION === 'logbridge',
  /** Official LoggerProvider that counts each record that an adapter emits. */
  loggerProvider: new LoggerProvider({
    processors: [{ onEmit: countAs('l'), forceFlush: ended, shutdown: ended }],
  }),
}
