import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Backend, ConformanceRecord, Subject, SubjectLogger } from '@logbridge/bridge/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Libraries that print objects with `util.inspect`. The others print JSON. */
const OBEYING = new Set(['console', 'log4js'])

/** Object with an `inspect.custom` method. */
class Secret {
  [inspect.custom](): string {
    return '[secret]'
  }
  readonly value: string = 'hunter2'
}
const secret = new Secret()
const failure = () => Object.assign(new Error('no', { cause: { token: secret } }), { token: secret })

/** Logged fields, and the attributes in which an object becomes its inspected text. */
const inspected: [where: string, fields: () => Record<string, unknown>, expected: unknown][] = [
  ['a field', () => ({ token: secret }), { token: '[secret]' }],
  [
    'an object',
    () => ({ user: { name: 'ada', token: secret } }),
    { user: { name: 'ada', token: '[secret]' } },
  ],
  ['an array', () => ({ tokens: [[secret]] }), { tokens: [['[secret]']] }],
  ['a Set', () => ({ tokens: new Set([secret]) }), { tokens: ['[secret]'] }],
  ['a Map', () => ({ tokens: new Map([['a', secret]]) }), { tokens: { a: '[secret]' } }],
  ['a key of a Map', () => ({ tokens: new Map([[secret, 1]]) }), { tokens: { '[secret]': 1 } }],
  [
    'the result of toJSON',
    () => ({ user: { toJSON: () => ({ token: secret }) } }),
    { user: { token: '[secret]' } },
  ],
  [
    'an Error among other values',
    () => ({ reason: { first: failure() } }),
    { reason: { first: { token: '[secret]', cause: { token: '[secret]' } } } },
  ],
]

/** Tests `util.inspect.custom` in each library through a backend. */
export function inspectCustom(subjects: readonly Subject[], backend: Backend): void {
  describe.each(subjects)(`$library to ${backend.name}`, (subject) => {
    let session: Awaited<ReturnType<Backend['start']>>
    beforeAll(async () => void (session = await backend.start()))
    afterAll(() => session.stop())
    const info = Object.keys(subject.levels).find((level) => subject.levels[level] === 9)!
    const obeys = OBEYING.has(subject.library)

    async function arrived(log: (logger: SubjectLogger) => void, options: object = {}) {
      const logger = await subject.create({ loggerProvider: session.loggerProvider, ...options })
      log(logger)
      await logger.flush?.()
      const records = await session.records()
      await logger.close()
      assert.equal(records.length, 1)
      return records[0]!
    }

    function expectNoSecret({ body, attributes }: ConformanceRecord): void {
      expect(inspect([body, attributes], { depth: null })).not.toContain('hunter2')
    }

    if (!obeys) {
      test('sends the fields of an object when it has inspect.custom', async () => {
        const { attributes } = await arrived((logger) => logger.log(info, 'login', { token: secret }))
        expect(attributes['token']).toEqual({ value: 'hunter2' })
      })
      return
    }

    test.each(inspected)(
      'sends the inspected text of an object when it is in %s',
      async (_, fields, expected) => {
        const record = await arrived((logger) => logger.log(info, 'login', fields()))
        expect(record.attributes).toMatchObject(expected as object)
        expectNoSecret(record)
      },
    )

    test('sends the inspected text of an object when it is in fields and causes of an Error', async () => {
      const record = await arrived((logger) => logger.logErrorWith('failed', failure()))
      expect(record.attributes['error']).toMatchObject({ token: '[secret]', cause: { token: '[secret]' } })
      expectNoSecret(record)
    })

    test('sends the inspected text of an object when it is in a static attribute', async () => {
      const record = await arrived((logger) => logger.log(info, 'login'), { attributes: { token: secret } })
      expect(record.attributes['token']).toBe('[secret]')
    })

    test.each(['%s', '%o', '%O'])(
      'sends the inspected text of an object when it is the argument of %s',
      async (specifier) => {
        const options = { captureTemplate: true }
        const record = await arrived((logger) => logger.format!(`login ${specifier}`, secret), options)
        expect(record.body).toBe('login [secret]')
        expect(record.attributes['log.body.parameters']).toEqual(['[secret]'])
        expectNoSecret(record)
      },
    )
  })
}
