import { describe, expect, test } from 'vitest'
import { bridged } from './bridged.ts'

type Call = (console: Console) => void

describe('one record for one call', () => {
  test.for<[method: string, severity: number, iostream: string, body: unknown, call: Call]>([
    ['trace', 1, 'stderr', 'here 1', (console) => console.trace('here %d', 1)],
    ['debug', 5, 'stdout', 'a', (console) => console.debug('a')],
    ['log', 9, 'stdout', 'a 1 true', (console) => console.log('a', 1, true)],
    ['log', 9, 'stdout', '', (console) => console.log()],
    ['info', 9, 'stdout', 'a', (console) => console.info('a')],
    ['warn', 13, 'stderr', 'a', (console) => console.warn('a')],
    ['error', 17, 'stderr', 'a', (console) => console.error('a')],
    ['dir', 9, 'stdout', { a: { b: 1 } }, (console) => console.dir({ a: { b: 1 } }, { depth: 0 })],
    ['dirxml', 9, 'stdout', { a: 1 }, (console) => console.dirxml({ a: 1 })],
    ['table', 9, 'stdout', [{ a: 1, b: 2 }], (console) => console.table([{ a: 1, b: 2 }], ['a'])],
    ['table', 9, 'stdout', 'no table', (console) => console.table('no table')],
    ['group', 9, 'stdout', 'a 1', (console) => console.group('a', 1)],
    ['groupCollapsed', 9, 'stdout', 'a', (console) => console.groupCollapsed('a')],
    ['count', 9, 'stdout', 'default: 1', (console) => console.count()],
    ['assert', 17, 'stderr', 'Assertion failed: a 1', (console) => console.assert(false, 'a %d', 1)],
    ['assert', 17, 'stderr', 'Assertion failed', (console) => console.assert(false)],
  ])('%s: severity %d to %s', ([method, severityNumber, iostream, body, call]) => {
    const { console, record } = bridged()
    call(console)
    expect(record()).toMatchObject({
      severityText: method,
      severityNumber,
      body,
      attributes: { 'log.iostream': iostream },
    })
  })

  test('with the fields of an assertion that failed', () => {
    const { console, record } = bridged()
    console.assert(false, 'of order', { id: 1 })
    expect(record()).toMatchObject({ body: 'Assertion failed: of order', attributes: { id: 1 } })
    console.assert(false, { id: 1 } as never)
    expect(record()).toMatchObject({ body: 'Assertion failed', attributes: { id: 1 } })
  })
})

test('what prints nothing is no record', () => {
  const { console, records, stdout, stderr } = bridged()
  console.assert(true, 'fine')
  console.group()
  console.groupEnd()
  console.time('t')
  console.countReset()
  expect(records).toEqual([])
  expect(stdout.text + stderr.text).toBe('')
})

test('a timer that was never started is no record, as it prints nothing', async () => {
  const { console, records } = bridged()
  const warning = new Promise((resolve) => process.once('warning', resolve))
  console.timeEnd('unknown')
  await warning
  expect(records).toEqual([])
})

describe('the body is what the console prints', () => {
  test('of counts and timers, also of those that began before the bridge', () => {
    const made = bridged()
    made.restore()
    made.console.count('a')
    made.console.time('t')
    made.stdout.text = ''
    const { console, records } = bridged({ console: made.console })
    console.count('a')
    console.timeLog('t', 'so far', { items: 3 })
    console.timeEnd('t')
    const [count, log, end] = made.stdout.text.trimEnd().split('\n')
    expect(records.map(({ body }) => body)).toEqual([count, log?.replace(' { items: 3 }', ''), end])
    expect(count).toBe('a: 2')
    expect(end).toMatch(/^t: [\d.:]+/)
    expect(records[1]?.attributes).toMatchObject({ items: 3 })
  })

  test('without the colours of a terminal', () => {
    const { console, record } = bridged()
    console.log('of %o and', [1], new Map([['a', 1]]))
    expect(record().body).toBe("of [ 1, [length]: 1 ] and Map(1) { 'a' => 1 }")
  })
})

describe('arguments', () => {
  test('are text, fields and exception', () => {
    const { console, record } = bridged()
    const error = Object.assign(new TypeError('no'), { code: 'E_NO' })
    console.error('order %s failed', 'o-1', { tries: 3 }, error)
    expect(record()).toMatchObject({
      body: 'order o-1 failed',
      attributes: {
        tries: 3,
        'exception.type': 'TypeError',
        'exception.message': 'no',
        error: { code: 'E_NO' },
      },
    })
  })

  test('keep a field that is called as an attribute of the console', () => {
    const { console, record } = bridged()
    console.log('a', { 'log.iostream': 'mine' })
    expect(record().attributes).toEqual({ 'log.iostream': 'mine' })
  })

  test('are the template of the application, not that of a timer', () => {
    const { console, record } = bridged({ captureTemplate: true })
    console.log('%s paid', 'Ada')
    expect(record().attributes).toMatchObject({
      'log.body.template': '%s paid',
      'log.body.parameters': ['Ada'],
    })
    console.time('t')
    console.timeEnd('t')
    expect(record().attributes).toEqual({ 'log.iostream': 'stdout' })
  })
})

test('a trace has its stack, from the application’s call on', () => {
  const { console, record } = bridged()
  function place(): void {
    console.trace('here')
  }
  place()
  const { attributes, body } = record()
  expect(body).toBe('here')
  expect(attributes['code.stacktrace']).toMatch(/^ {4}at place \(.*methods\.test\.ts:\d+:\d+\)\n/)
  console.log('a')
  expect(record().attributes).not.toHaveProperty('code.stacktrace')
})

test('a record has the labels of the groups that are open', () => {
  const { console, records } = bridged()
  console.log('before')
  console.group('order %s', 'o-1')
  console.log('in one')
  console.group()
  console.groupCollapsed('items', 2)
  console.warn('in three')
  console.groupEnd()
  console.groupEnd()
  console.log('in one again')
  console.groupEnd()
  console.groupEnd()
  console.log('after')
  expect(records.map(({ body, attributes }) => [body, attributes['console.group']])).toEqual([
    ['before', undefined],
    ['order o-1', undefined],
    ['in one', ['order o-1']],
    ['items 2', ['order o-1', '']],
    ['in three', ['order o-1', '', 'items 2']],
    ['in one again', ['order o-1']],
    ['after', undefined],
  ])
})

describe('a log call within a log call', () => {
  const noisy = (console: Console): object => ({
    [Symbol.for('nodejs.util.inspect.custom')]() {
      console.warn('being looked at')
      return 'noisy'
    },
  })

  test('is a record where the application makes it', () => {
    const { console, records } = bridged()
    console.log('a', noisy(console))
    expect(records.map(({ body }) => body)).toEqual(['being looked at', 'a noisy'])
  })

  test('is none where the console makes it', () => {
    const { console, records } = bridged()
    console.table([{ a: 1 }])
    console.count()
    console.trace('a')
    console.assert(false)
    console.group('g')
    expect(records.map(({ severityText }) => severityText)).toEqual([
      'table',
      'count',
      'trace',
      'assert',
      'group',
    ])
  })
})
