import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { BridgeOptions, SeverityNumber } from '../types.ts'
import { assertSame, type Check, type Harness } from './harness.ts'

export type OptionBehavior =
  | 'option.level'
  | 'option.unknownLevel'
  | 'option.severity'
  | 'option.attributes'
  | 'option.include'
  | 'option.exclude'
  | 'option.redactPaths'
  | 'option.redactFunction'
  | 'option.redactThrows'
  | 'option.scope'
  | 'option.captureTemplate'
  | 'option.captureCode'
  | 'option.unknown'
  | 'option.invalid'

/** Checks of the options that every adapter has. */
export const optionChecks: Readonly<Record<OptionBehavior, Check>> = {
  async 'option.level'({ open, records, subject }) {
    const levels = Object.entries(subject.levels)
    const severities = [...new Set(Object.values(subject.levels))].sort((a, b) => a - b)
    const minimum = severities[Math.floor(severities.length / 2)]!
    const level = levels.find(([, severityNumber]) => severityNumber === minimum)![0]
    const logger = await open({ level })
    for (const [name] of levels) logger.log(name, name)
    assert.deepEqual(
      (await records()).map(({ body }) => body),
      levels.filter(([, severityNumber]) => severityNumber >= minimum).map(([name]) => name),
    )
  },

  async 'option.unknownLevel'(harness) {
    await refuses(harness, 'level', { level: 'no such level' })
  },

  async 'option.severity'({ open, record, info }) {
    const logger = await open({ severity: { [info]: 12 } })
    logger.log(info, 'overridden')
    const { severityNumber, severityText } = await record()
    assert.equal(severityNumber, 12)
    assert.equal(severityText, info)
  },

  async 'option.attributes'({ open, record, info }) {
    const logger = await open({ attributes: { region: 'eu', tier: { name: 'gold' }, user: 'unknown' } })
    logger.log(info, 'with static attributes', { user: 'ada' })
    const { attributes } = await record()
    assert.equal(attributes['region'], 'eu')
    assertSame(attributes['tier'], { name: 'gold' }, 'a nested attribute')
    assert.equal(attributes['user'], 'ada', "the record's own attribute wins")
  },

  async 'option.include'({ open, record, info }) {
    const logger = await open({ include: ['app.*', 'exact'] })
    logger.log(info, 'filtered', { 'app.a': 1, 'app.b': 2, exact: 3, inexact: 4, 'not.app.a': 5 })
    assertSame((await record()).attributes, { 'app.a': 1, 'app.b': 2, exact: 3 }, 'included attributes')
  },

  async 'option.exclude'({ open, record, info }) {
    const logger = await open({ exclude: ['app.*', 'secret'] })
    logger.log(info, 'filtered', { 'app.a': 1, secret: 's', kept: 2, secrets: 3 })
    const { attributes } = await record()
    assert.ok(!('app.a' in attributes) && !('secret' in attributes), 'excluded attributes')
    assertSame([attributes['kept'], attributes['secrets']], [2, 3], 'attributes that are not excluded')
  },

  async 'option.redactPaths'({ open, record, info }) {
    const logger = await open({ redact: ['user.password', '*.token', 'cards[*].number'] })
    const fields = {
      user: { name: 'ada', password: 'p1' },
      session: { token: 't1' },
      cards: [{ number: '4111', brand: 'v' }],
    }
    logger.log(info, 'redacted', fields)
    const { attributes } = await record()
    assertSame(attributes['user'], { name: 'ada', password: '[Redacted]' }, 'a path')
    assertSame(attributes['session'], { token: '[Redacted]' }, 'a wildcard')
    assertSame(attributes['cards'], [{ number: '[Redacted]', brand: 'v' }], 'in an array')
    assert.equal(fields.user.password, 'p1', "the application's own object is left alone")
  },

  async 'option.redactFunction'({ open, record, info }) {
    const logger = await open({
      redact(found) {
        found.body = String(found.body).replace(/\d+/, '#')
        delete found.attributes['secret']
      },
    })
    logger.log(info, 'card 4111', { secret: 's', kept: 1 })
    const { body, attributes } = await record()
    assert.equal(body, 'card #')
    assert.ok(!('secret' in attributes), 'the attribute that the function deleted')
    assertSame(attributes['kept'], 1, 'the attribute that the function kept')
  },

  async 'option.redactThrows'({ open, records, info }) {
    const errors: unknown[] = []
    const logger = await open({
      redact() {
        throw new Error('redact failed')
      },
      onError: (error) => errors.push(error),
    })
    logger.log(info, 'not to be sent', { secret: 's' })
    assert.deepEqual(await records(), [])
    assert.match(String(errors[0]), /redact failed/)
  },

  async 'option.scope'({ open, record, info }) {
    const logger = await open({ scope: 'my-scope' })
    logger.log(info, 'scoped')
    assert.equal((await record()).scope, 'my-scope')
  },

  async 'option.captureTemplate'({ open, record }) {
    const logger = await open({ captureTemplate: true })
    logger.format!('%s holds %d items', 'cart', 3)
    const { body, attributes } = await record()
    assert.equal(body, 'cart holds 3 items')
    assert.equal(attributes['log.body.template'], '%s holds %d items')
    assertSame(attributes['log.body.parameters'], ['cart', 3], 'the parameters')
  },

  async 'option.captureCode'({ open, record, info, subject }) {
    const logger = await open({ captureCode: true })
    logger.log(info, 'from here')
    const { attributes } = await record()
    assert.equal(attributes['code.file.path'], fileURLToPath(subject.callSite))
    assert.ok(Number(attributes['code.line.number']) > 0, 'a line number')
  },

  async 'option.unknown'(harness) {
    await refuses(harness, 'color', { color: 'red' } as BridgeOptions)
  },

  async 'option.invalid'(harness) {
    await refuses(harness, 'scope', { scope: 7 as unknown as string })
    await refuses(harness, 'severity', { severity: { [harness.info]: 99 as SeverityNumber } })
  },
}

/** Asserts that construction fails with a LogbridgeError that names the option. */
async function refuses({ open }: Harness, option: string, options: BridgeOptions): Promise<void> {
  await assert.rejects(
    async () => {
      await open(options)
    },
    (error: Error & { code?: unknown }) => {
      // Compares the name, because an ESM and a CommonJS copy of the class can meet in one process.
      assert.equal(error.name, 'LogbridgeError', String(error))
      assert.equal(error.code, 'INVALID_OPTION')
      // regex-bounded: the name of an option is a word
      assert.match(error.message, new RegExp(`\\b${option}\\b`))
      return true
    },
  )
}
