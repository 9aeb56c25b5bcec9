// For vitest as it is, and for Jest with ES modules: both have these as globals.
import { startTelemetry } from '@logbridge/core'
import { logByEach } from './logByEach.js'

let telemetry
beforeAll(() => {
  telemetry = startTelemetry()
})
afterAll(() => telemetry.shutdown())

test('logs', logByEach)
