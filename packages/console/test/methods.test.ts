import { Console } from 'node:console'
import { format } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bridged, Memory, newConsole } from './bridged.ts'

type Call = (console: Console) => void

describe('bridgeConsole sends one record', () => {
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
    ['table', 9, 'stdout', [{ a: 1, b: 2 }], (console) => console.table([{ a: 1, b: 2 }])],
    [
      'table',
      9,
      'stdout',
      [{ a: 1 }, 'row', {}],
      (console) => console.table([{ a: 1, b: 2 }, 'row', { b: 2 }], ['a']),
    ],
    ['table', 9, 'stdout', { x: { a: 1 } }, (console) => console.table({ x: { a: 1, b: 2 } }, ['a'])],
    ['table', 9, 'stdout', 'no table', (console) => console.table('no table')],
    ['group', 9, 'stdout', 'a 1', (console) => console.group('a', 1)],
    ['groupCollapsed', 9, 'stdout', 'a', (console) => console.groupCollapsed('a')],
    ['count', 9, 'stdout', 'default: 1', (console) => console.count()],
    ['assert', 17, 'stderr', 'Assertion failed: a 1', (console) => console.assert(false, 'a %d', 1)],
    ['assert', 17, 'stderr', 'Assertion failed', (console) => console.assert(false)],
  ])('when the method is %s: severity %d to %s', ([method, severityNumber, iostream, body, call]) => {
    const { console, record } = bridged()
    call(console)
    const sent = record()
    expect(sent.body).toEqual(body)
    expect(sent).toMatchObject({
      severityText: method,
      severityNumber,
      body,
      attributes: { 'log.iostream': iostream },
    })
  })

  test('with fields when an assertion has failed', () => {
    const { console, record } = bridged()
    console.assert(false, 'of order', { id: 1 })
    expect(record()).toMatchObject({ body: 'Assertion failed: of order', attributes: { id: 1 } })
    console.assert(false, { id: 1 } as never)
    expect(record()).toMatchObject({ body: 'Assertion failed', attributes: { id: 1 } })
  })
})

test('bridgeConsole sends no record when a call prints nothing', () => {
  const { console, records, stdout, stderr } = bridged()
  console.assert(true, 'fine')
  console.group()
  console.groupEnd()
  console.time('t')
  console.countReset()
  expect(records).toEqual([])
  expect(stdout.text + stderr.text).toBe('')
})

test('bridgeConsole sends no record when a timer was never started', async () => {
  const { console, records } = bridged()
  const warning = new Promise((resolve) => process.once('warning', resolve))
  console.timeEnd('unknown')
  await warning
  expect(records).toEqual([])
})

describe('bridgeConsole sends what the console prints', () => {
  test('when counts and timers began before the bridge', () => {
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

  test('without colors when the console prints to a terminal', () => {
    const { console, record } = bridged()
    console.log('of %o and', [1], new Map([['a', 1]]))
    expect(record().body).toBe("of [ 1, [length]: 1 ] and Map(1) { 'a' => 1 }")
  })
})

test('bridgeConsole counts from 1 again, and sends no record, when console.countReset is called', () => {
  const { console, records } = bridged()
  console.count('a')
  console.count('b')
  console.count('a')
  console.countReset('a')
  console.count('a')
  expect(records.map(({ body }) => body)).toEqual(['a: 1', 'b: 1', 'a: 2', 'a: 1'])
})

describe('bridgeConsole sends what the console prints when the arguments are', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  test.for<[template: string, ...args: unknown[]]>([
    ['%s', 'text'],
    ['%s', 42n],
    ['%s', Symbol('s')],
    ['%s', { a: { b: { c: 1 } } }],
    ['%s', new URL('https://example.org')],
    ['%d', '42.5'],
    ['%d', 42n],
    ['%d', {}],
    ['%i', 42.9],
    ['%f', '1.5 EUR'],
    ['%j', { a: [1] }],
    ['%j', circular],
    ['%o', [() => 1]],
    ['%O', { a: { b: { c: { d: {} } } } }],
    ['%c in red', 'color: red'],
    ['100 %% of %s', 'all'],
    ['100 %%', 1],
    ['%s and %s', 'one alone'],
    ['%x is none, %s is', 'one'],
    ['%s', 'and more', 1, null, undefined, [2], true],
    ['none', 'text', -0, 7n],
  ])('%j', (args) => {
    const { console, record, stdout } = bridged()
    console.log(...args)
    expect(record().body).toBe(stdout.text.slice(0, -1))
  })

  test('a sole template, which stays as it is', () => {
    const { console, record, stdout } = bridged()
    console.log('100 %% %s')
    expect(record().body).toBe('100 %% %s')
    expect(stdout.text).toBe('100 %% %s\n')
  })
})

describe('bridgeConsole sends arguments', () => {
  test('as text, fields and exception when a call has all three', () => {
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

  test('apart from attributes of the console when names are equal', () => {
    const { console, record } = bridged()
    console.log('a', { 'log.iostream': 'mine' })
    expect(record().attributes).toEqual({ 'log.iostream': 'mine' })
  })

  test('as parameters when the template is that of the application', () => {
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

test('bridgeConsole sends the stack from the call of the application on when the method is trace', () => {
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

test('bridgeConsole leaves the printed stack unchanged when the method is trace', () => {
  const { console, stderr, restore } = bridged()
  const place = (): void => console.trace('here\n    at home')
  const printed = [0, 1].map((n) => {
    if (n === 1) restore()
    stderr.text = ''
    place()
    return stderr.text
  })
  expect(printed[0]).toMatch(/^Trace: here\n {4}at home\n {4}at place \(/)
  expect(printed[0]).toBe(printed[1])
})

test('bridgeConsole sends the labels of groups when groups are open', () => {
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

test('bridgeConsole sends 64 labels of 256 characters at most when more groups are open', () => {
  const { console, records } = bridged()
  const groups = (): unknown => {
    console.log('here')
    return records.at(-1)!.attributes['console.group']
  }
  for (let n = 0; n < 70; n += 1) console.group(`${n}`.padEnd(300, '.'))
  const labels = Array.from({ length: 64 }, (_, n) => `${`${n}`.padEnd(256, '.')}…`)
  expect(groups()).toEqual(labels)
  for (let n = 0; n < 6; n += 1) console.groupEnd()
  expect(groups()).toEqual(labels)
  console.groupEnd()
  expect(groups()).toEqual(labels.slice(0, 63))
  for (let n = 0; n < 70; n += 1) console.groupEnd()
  expect(groups()).toBe(undefined)
})

describe('bridgeConsole, in a log call within a log call,', () => {
  const noisy = (console: Console): object => ({
    [Symbol.for('nodejs.util.inspect.custom')]() {
      console.warn('being looked at')
      return 'noisy'
    },
  })

  test('sends a record when the application makes the inner call', () => {
    const { console, records } = bridged()
    console.log('a', noisy(console))
    expect(records.map(({ body }) => body)).toEqual(['being looked at', 'a noisy'])
  })

  test.for<[string, Call]>([
    ['error', (console) => console.error(noisy(console))],
    ['trace', (console) => console.trace(noisy(console))],
    ['timeLog', (console) => console.timeLog('t', noisy(console))],
    ['assert', (console) => console.assert(false, '%s', noisy(console))],
  ])('sends a record when the outer call is %s', ([method, call]) => {
    const { console, records } = bridged()
    console.time('t')
    call(console)
    expect(records.map(({ severityText }) => severityText)).toEqual(['warn', method])
  })

  describe('sends none when an earlier patch makes the inner call', () => {
    class Prefixed extends Console {
      override info(...args: unknown[]): void {
        this.log('[info]', ...args)
      }
    }
    test.for<[string, (console: Console) => Console]>([
      [
        'to print',
        (console) => Object.assign(console, { info: (...args: []) => console.log('[info]', ...args) }),
      ],
      [
        'formatted',
        (console) => Object.assign(console, { info: (...args: []) => console.log(format(...args)) }),
      ],
      ['bound', (console) => Object.assign(console, { info: console.warn.bind(console, '[info]') })],
      [
        'one line for each argument',
        (console) =>
          Object.assign(console, { info: (...args: []) => args.forEach((line) => console.log(line)) }),
      ],
      [
        'through two methods',
        (console) =>
          Object.assign(console, {
            info: (...args: []) => console.debug(...args),
            debug: () => console.error('!'),
          }),
      ],
      ['in a subclass', () => new Prefixed(new Memory())],
    ])('%s', ([, patch]) => {
      const { console, record } = bridged({ console: patch(newConsole().console) })
      console.info('paid', 'by %s', 'Ada', { id: 1 })
      expect(record()).toMatchObject({
        severityText: 'info',
        body: 'paid by %s Ada',
        attributes: { id: 1, 'log.iostream': 'stdout' },
      })
      console.log('a')
      expect(record().body).toBe('a')
    })

    test('and throws', () => {
      const { console: plain } = newConsole()
      plain.info = () => {
        plain.log('printed')
        throw new Error('broken patch')
      }
      const { console, records } = bridged({ console: plain })
      expect(() => console.info('a')).toThrow('broken patch')
      console.log('b')
      console.error('c')
      expect(records.map(({ body }) => body)).toEqual(['b', 'c'])
    })
  })

  test('sends none when the console makes the inner call', () => {
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
