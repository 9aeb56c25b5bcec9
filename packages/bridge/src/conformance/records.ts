import assert from 'node:assert/strict'
import { assertSame, type Check } from './harness.ts'

export type RecordBehavior =
  | 'record.levels'
  | 'record.customLevels'
  | 'record.message'
  | 'record.colors'
  | 'record.fields'
  | 'record.untouched'
  | 'record.format'
  | 'record.child'
  | 'record.eventName'
  | 'record.scope'
  | 'record.timestamp'
  | 'record.order'

/** Checks of the parts that every record has. */
export const recordChecks: Readonly<Record<RecordBehavior, Check>> = {
  async 'record.levels'({ open, record, subject }) {
    const logger = await open()
    for (const [level, severityNumber] of Object.entries(subject.levels)) {
      logger.log(level, `at ${level}`)
      const arrived = await record()
      assert.equal(arrived.severityNumber, severityNumber, `severity number of ${level}`)
      assert.equal(arrived.severityText, level)
    }
  },

  async 'record.customLevels'({ open, record, subject }) {
    const customLevels = Object.entries(subject.customLevels ?? {})
    assert.notEqual(customLevels.length, 0, 'the subject names no customLevels')
    const logger = await open()
    for (const [level, severityNumber] of customLevels) {
      logger.log(level, `at ${level}`)
      const arrived = await record()
      assert.equal(arrived.severityNumber, severityNumber, `severity number of ${level}`)
      assert.equal(arrived.severityText, level)
    }
  },

  async 'record.message'({ open, record, info }) {
    const logger = await open()
    logger.log(info, 'hello, wörld')
    assert.equal((await record()).body, 'hello, wörld')
  },

  async 'record.colors'({ open, record, info }) {
    const logger = await open()
    logger.log(info, '\u001b[1;32mhello\u001b[39m, \u001b[4mwörld\u001b[0m')
    assert.equal((await record()).body, 'hello, wörld')
  },

  async 'record.fields'({ open, record, info }) {
    const logger = await open()
    const fields = {
      user: 'ada',
      count: 3,
      share: 0.5,
      ok: true,
      nested: { id: 7, roles: ['admin', 'ops'], address: { city: 'Zürich', tags: [{ a: 1 }] } },
    }
    logger.log(info, 'with fields', fields)
    const { attributes } = await record()
    for (const [key, value] of Object.entries(fields)) assertSame(attributes[key], value, `attribute ${key}`)
  },

  async 'record.untouched'({ open, record, info }) {
    const logger = await open({ attributes: { region: 'eu' }, exclude: ['secret'], redact: ['password'] })
    const fields = { 'otel.event.name': 'order.placed', secret: 's', password: 'p', nested: { n: 1 } }
    const copy = structuredClone(fields)
    logger.log(info, 'with fields', fields)
    assert.equal((await record()).attributes['region'], 'eu')
    assert.deepEqual(fields, copy, 'the object of the application is unchanged')
  },

  async 'record.format'({ open, record }) {
    const logger = await open()
    logger.format!('%s holds %d items, 100%%', 'cart', 3)
    assert.equal((await record()).body, 'cart holds 3 items, 100%')
  },

  async 'record.child'({ open, record, info }) {
    const logger = await open()
    const child = logger.child!({ requestId: 'r-1' })
    child.log(info, 'of the child', { own: 1 })
    const { attributes } = await record()
    assert.equal(attributes['requestId'], 'r-1')
    assertSame(attributes['own'], 1, "the record's own field")
    logger.log(info, 'of the parent')
    assert.equal((await record()).attributes['requestId'], undefined, 'the parent has no bindings')
  },

  async 'record.eventName'({ open, record, info }) {
    const logger = await open()
    logger.log(info, 'an order', { 'otel.event.name': 'order.placed', order: 'o-1' })
    const { eventName, attributes } = await record()
    assert.equal(eventName, 'order.placed')
    assert.ok(!('otel.event.name' in attributes), 'the event name is not an attribute as well')
    assert.equal(attributes['order'], 'o-1')
  },

  async 'record.scope'({ open, record, info, subject }) {
    const logger = await open()
    logger.log(info, 'by default')
    assert.equal((await record()).scope, subject.scope ?? subject.library)
  },

  async 'record.timestamp'({ open, record, info }) {
    const logger = await open()
    const before = Date.now()
    logger.log(info, 'now')
    const after = Date.now()
    const { timestamp, observedTimestamp } = await record()
    for (const time of [timestamp, observedTimestamp]) {
      const [seconds, nanoseconds] = time
      assert.ok(Number.isSafeInteger(seconds), `${seconds} must be whole seconds`)
      assert.ok(Number.isInteger(nanoseconds) && nanoseconds >= 0 && nanoseconds < 1e9, `${nanoseconds} ns`)
      const millis = seconds * 1000 + Math.floor(nanoseconds / 1e6)
      assert.ok(before <= millis && millis <= after, `${millis} must lie between ${before} and ${after}`)
    }
  },

  async 'record.order'({ open, records, info }) {
    const loggers = [await open({ scope: 'even' }), await open({ scope: 'odd' })]
    for (let call = 0; call < 200; call += 1) loggers[call % 2]!.log(info, `call ${call}`)
    const arrived = await records()
    assert.equal(arrived.length, 200)
    // Records of one scope arrive together.
    const calls = arrived.map(({ body, observedTimestamp }) => {
      const [seconds, nanoseconds] = observedTimestamp
      return { body, time: BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds) }
    })
    calls.sort((a, b) => Number(a.time - b.time))
    for (const [call, { body, time }] of calls.entries()) {
      assert.equal(body, `call ${call}`, 'sorted by observedTimestamp')
      if (call > 0) assert.notEqual(time, calls[call - 1]!.time, `times of the calls ${call - 1} and ${call}`)
    }
  },
}
