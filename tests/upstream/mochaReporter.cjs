// Writes the result of each test to the file of results, because mocha's own reporters write to stdout, which tests replace.
const { openSync, writeSync } = require('node:fs')

module.exports = function mochaReporter(runner) {
  const results = openSync(process.env.UPSTREAM_RESULTS, 'a')
  const write = (test, passed) =>
    writeSync(results, `${JSON.stringify({ title: test.fullTitle(), passed })}\n`)
  runner.on('pass', (test) => write(test, true))
  runner.on('fail', (test) => write(test, false))
}
