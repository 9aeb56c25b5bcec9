// Jest runs the test in another realm, so values of Node.js have other classes than the globals of the test.
const { createPrivateKey } = require('node:crypto')
const { startTelemetry } = require('@logbridge/core')
const { OtelTransport } = require('@logbridge/winston')
const winston = require('winston')

let telemetry
beforeAll(() => {
  telemetry = startTelemetry()
})
afterAll(() => telemetry.shutdown())

test('logs an error of Node.js', () => {
  const logger = winston.createLogger({ transports: [new OtelTransport()] })
  try {
    createPrivateKey({ key: 7 })
  } catch (err) {
    expect(err).not.toBeInstanceOf(TypeError)
    logger.error('winston sold out', { item: 7, err })
  }
})
