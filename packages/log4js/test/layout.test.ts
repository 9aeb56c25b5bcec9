import log4js from 'log4js'
import { describe, expect, test } from 'vitest'
import { setUp } from './setUp.ts'

describe('appender with a layout', () => {
  test.each<[log4js.Layout, RegExp]>([
    [
      { type: 'pattern', pattern: '%p %c %X{user} %x{app}: %m', tokens: { app: 'a' } },
      /^INFO shop ada a: paid \{/,
    ],
    [{ type: 'pattern', pattern: '100%% %-5p %-5m' }, /^100% INFO .*paid \{/],
    [{ type: 'pattern' }, / INFO shop - paid \{/],
    [{ type: 'basic' }, /^\[.*\] \[INFO\] shop - paid \{/],
    [{ type: 'coloured' }, / \[INFO\] shop - .*paid \{/],
    [{ type: 'messagePassThrough' }, /^paid \{/],
  ])('sends its text as the body, and all attributes, when the layout is %o', (layout, body) => {
    const { logger, emitted } = setUp({}, { layout })
    logger.addContext('user', 'ada')
    logger.info('paid', { id: 7 }, new RangeError('boom'))
    logger.info({ id: 8 })
    expect(emitted[0]!.body).toMatch(body)
    expect(emitted.map(({ attributes }) => attributes)).toEqual([
      {
        'exception.type': 'RangeError',
        'exception.message': 'boom',
        'exception.stacktrace': expect.any(String),
        user: 'ada',
        id: 7,
      },
      { user: 'ada', id: 8 },
    ])
  })

  const mask = (text: string) => text.replaceAll(/\d{4,}/g, '****')
  log4js.addLayout('json', ({ separator }) => ({ level, data, context }) => {
    return mask(JSON.stringify({ level: level.levelStr, data, context })) + separator
  })
  log4js.addLayout(
    'structured',
    () =>
      ({ data }) =>
        JSON.parse(mask(JSON.stringify(data))),
  )

  test.each<[log4js.Layout, unknown]>([
    [
      { type: 'json', separator: ',' },
      '{"level":"INFO","data":["paid",{"card":"****"},{}],"context":{"account":"****"}},',
    ],
    [{ type: 'structured' }, ['paid', { card: '****' }, {}]],
    [{ type: 'dummy' }, 'paid'],
    [{ type: 'pattern', pattern: '%%m %m{0,1}' }, '%m paid'],
    [{ type: 'pattern', pattern: '%.4m' }, 'paid'],
    [{ type: 'pattern', pattern: '%x{safe}', tokens: { safe: ({ data }) => mask(data[1].card) } }, '****'],
  ])('sends no attribute of the event when the layout is %o', (layout, body) => {
    const { logger, emitted } = setUp({ captureTemplate: true, attributes: { region: 'eu' } }, { layout })
    logger.addContext('account', '5500')
    logger.info('paid', { card: '4111' }, new Error('no card 4111'))
    expect(emitted).toMatchObject([{ body, severityNumber: 9, scope: 'shop' }])
    expect(emitted[0]!.attributes).toEqual({ region: 'eu' })
  })

  test('drops the record when the layout throws', () => {
    log4js.addLayout('broken', () => () => {
      throw new Error('no layout')
    })
    const errors: unknown[] = []
    const { logger, emitted } = setUp(
      { onError: (error) => errors.push(error) },
      { layout: { type: 'broken' } },
    )
    logger.info('x')
    expect(emitted).toEqual([])
    expect(errors).toMatchObject([{ message: 'no layout' }])
  })
})
