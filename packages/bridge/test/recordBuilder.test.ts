import { describe, expect, test } from 'vitest'
import { createRecordBuilder } from '../src/recordBuilder.ts'
import { ROOT_CONTEXT } from '../src/spanContext.ts'
import type { BridgeOptions, HrTime, LogRecord } from '../src/types.ts'

const CLASSIFIED = { severityNumber: 9, severityText: 'info' } as const
const TIME: HrTime = [1, 2]
/** Fields of every record that `build` makes here. */
const CALL = { timestamp: TIME, observedTimestamp: TIME, context: ROOT_CONTEXT }

function build(
  record: LogRecord,
  options: BridgeOptions = {},
  keepsValues = false,
): { body: any; attributes: any; eventName: string | undefined } {
  const { body, attributes, eventName, ...others } = createRecordBuilder(options)(
    record,
    CLASSIFIED,
    undefined,
    ROOT_CONTEXT,
    TIME,
    keepsValues,
  )
  expect(others).toEqual({ ...CLASSIFIED, ...CALL })
  return { body, attributes, eventName }
}

const failed = (): Error => Object.assign(new TypeError('no'), { code: 'E_NO' })
const EXCEPTION = ['exception.type', 'exception.message', 'exception.stacktrace']

describe('the event name', () => {
  test('is taken from otel.event.name, and the attribute is removed, when the attribute is a text', () => {
    expect(build({ attributes: { 'otel.event.name': 'order.paid', id: 1 } })).toEqual({
      eventName: 'order.paid',
      attributes: { id: 1 },
    })
  })

  test('is absent, and the attribute stays, when otel.event.name is no text', () => {
    expect(build({ attributes: { 'otel.event.name': 7 } })).toEqual({ attributes: { 'otel.event.name': 7 } })
  })
})

describe('exception attributes', () => {
  test('stand first when the record has other attributes', () => {
    const { attributes } = build({ attributes: { id: 1 }, exception: new TypeError('no') })
    expect(Object.keys(attributes)).toEqual([...EXCEPTION, 'id'])
    expect(attributes).toMatchObject({ 'exception.type': 'TypeError', 'exception.message': 'no', id: 1 })
  })

  test('leave the own fields of the Error under its key when the Error is an attribute', () => {
    const err = failed()
    expect(build({ attributes: { err, also: err }, exception: err }).attributes).toMatchObject({
      err: { code: 'E_NO' },
      also: { code: 'E_NO' },
    })
  })

  test('replace the attribute when the Error has no own fields', () => {
    const err = new Error('no')
    expect(Object.keys(build({ attributes: { err }, exception: err }).attributes)).toEqual(EXCEPTION)
  })

  test('come with the own fields under error, or a free key, when the Error has no key', () => {
    expect(build({ exception: failed() }).attributes).toMatchObject({ error: { code: 'E_NO' } })
    expect(build({ attributes: { error: 1, 'error#2': 2 }, exception: failed() }).attributes).toMatchObject({
      error: 1,
      'error#2': 2,
      'error#3': { code: 'E_NO' },
    })
  })

  test('leave the Error and another Error unchanged when the record has two', () => {
    const [err, other] = [failed(), new RangeError('other')]
    const { attributes } = build({ attributes: { err, other }, exception: err })
    expect(attributes.other).toMatchObject({ type: 'RangeError', message: 'other' })
    expect(Object.keys(err)).toEqual(['code'])
  })
})

describe('static attributes', () => {
  test('are on every record, and the record’s own attribute wins when the keys are equal', () => {
    const options = { attributes: { team: 'shop', id: 0, constructor: 'c' } }
    expect(build({ attributes: { id: 1 } }, options).attributes).toEqual({
      id: 1,
      team: 'shop',
      constructor: 'c',
    })
  })

  test('keep their values when the options object changes later', () => {
    const attributes: Record<string, unknown> = { team: 'shop' }
    const buildRecord = createRecordBuilder({ attributes })
    attributes['team'] = 'other'
    expect(buildRecord({}, CLASSIFIED, undefined, ROOT_CONTEXT, TIME, false).attributes).toEqual({
      team: 'shop',
    })
  })
})

describe('include and exclude', () => {
  const attributes = { 'user.id': 1, 'user.name': 'a', userid: 2, 'a.b+c': 3, '': 4 }

  test.for<[string, BridgeOptions, string[]]>([
    ['an include', { include: ['user.*'] }, ['user.id', 'user.name']],
    ['an exact include', { include: ['userid', 'a.b+c'] }, ['userid', 'a.b+c']],
    ['an exclude', { exclude: ['*.name', 'a*'] }, ['user.id', 'userid', '[empty]']],
    ['both', { include: ['user*'], exclude: ['*id'] }, ['user.name']],
    ['an empty include', { include: [] }, []],
    ['an empty exclude', { exclude: [] }, ['user.id', 'user.name', 'userid', 'a.b+c', '[empty]']],
  ])('select attributes when there is %s', ([, options, keys]) => {
    expect(Object.keys(build({ attributes: { ...attributes } }, options).attributes)).toEqual(keys)
  })

  test('match a renamed key by its original name when two keys were equal', () => {
    const apart = { id: 1, 'id#2': 2, 'id#': 3, 'id#2b': 4, token: 5 }
    const keysWith = (options: BridgeOptions): string[] =>
      Object.keys(build({ attributes: { ...apart } }, options).attributes)
    expect(keysWith({ exclude: ['id'] })).toEqual(['id#', 'id#2b', 'token'])
    expect(keysWith({ include: ['id'] })).toEqual(['id', 'id#2'])
  })

  test('keep the attributes that the bridge adds when no glob of include matches them', () => {
    const err = failed()
    const options = { include: ['id'], attributes: { team: 'shop' }, captureTemplate: true }
    const template = { template: '%s', parameters: [1] }
    const { attributes: kept } = build({ attributes: { id: 1, err }, exception: err, template }, options)
    expect(Object.keys(kept)).toEqual([
      ...EXCEPTION,
      'id',
      'team',
      'log.body.template',
      'log.body.parameters',
    ])
  })

  test('remove an attribute of any origin, and give an excluded Error no other key, when a glob of exclude matches', () => {
    const err = failed()
    const options = { exclude: ['err', 'exception.stacktrace', 'team'], attributes: { team: 'shop' } }
    expect(build({ attributes: { err, id: 1 }, exception: err }, options).attributes).toEqual({
      'exception.type': 'TypeError',
      'exception.message': 'no',
      id: 1,
    })
  })
})

describe('captureTemplate', () => {
  const record = (): LogRecord => ({ body: 'a 1', template: { template: 'a %d', parameters: [1] } })

  test('adds template and parameters when the option is true', () => {
    expect(build(record(), { captureTemplate: true }).attributes).toEqual({
      'log.body.template': 'a %d',
      'log.body.parameters': [1],
    })
    expect(build({ body: 'a' }, { captureTemplate: true }).attributes).toEqual({})
  })

  test('adds nothing when the option is absent', () => {
    expect(build(record()).attributes).toEqual({})
  })
})

describe('values', () => {
  test('stay unchanged when the provider accepts any value', () => {
    const body = new Map()
    const nested = new Set()
    const finished = build({ body, attributes: { nested } }, {}, true)
    expect(finished.body).toBe(body)
    expect(finished.attributes.nested).toBe(nested)
  })

  test('are plain for the redact function when the provider accepts any value', () => {
    const redact: NonNullable<BridgeOptions['redact']> = (record) => {
      record.body = `${record.body as string}!`
      delete record.attributes['secret']
    }
    expect(build({ body: new URL('a:b'), attributes: { secret: 1, id: 2 } }, { redact }, true)).toEqual({
      body: 'a:b!',
      attributes: { id: 2 },
    })
  })
})
