// Replaces test/tap4nodeunit.js of bunyan, by which its tests call nodeunit.
const tap = require('tap')

const hook = (use) => (callback) => use(() => new Promise((resolve) => void callback(resolve)))

function test(name, body) {
  tap.test(name, (t) => body(Object.assign(t, { done: t.end })))
}

module.exports = { test, before: hook(tap.beforeEach), after: hook(tap.afterEach) }
