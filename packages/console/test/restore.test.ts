import { Console } from 'node:console'
import { BufferedConsole } from '@jest/console'
import type { ApiLogRecord } from '@logbridge/bridge/internal'
import { describe, expect, test, vi } from 'vitest'
import { bridgeConsole } from '../src/index.ts'
import { bridged, Memory, memoryProvider, newConsole } from './bridged.ts'

describe('bridgeConsole', () => {
  test('leaves the printed text unchanged when methods are called', () => {
    const plain = newConsole()
    const { console, stdout, stderr } = bridged()
    for (const each of [plain.console, console]) {
      each.log('a %s', 'b', { c: 1 })
      each.group('g')
      each.error(new RangeError('no').message)
      each.table([{ a: 1 }])
      each.groupEnd()
      each.count()
      each.assert(false, 'why')
      each.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 })
    }
    expect(stdout.text).toBe(plain.stdout.text)
    expect(stderr.text).toBe(plain.stderr.text)
    expect(stdout.text).toContain('a b { c: 1 }\n')
  })

  test('keeps the names and kinds of methods when it replaces them', () => {
    const plain = newConsole().console
    const { console } = bridged()
    expect(Object.keys(console)).toEqual(Object.keys(plain))
    expect(console.log.name).toBe('log')
    expect(console).toBeInstanceOf(Console)
  })

  test('throws when a method is called as a constructor', () => {
    const { console } = bridged()
    for (const name of ['log', 'error', 'table', 'groupEnd'] as const) {
      const method = console[name] as unknown as new () => unknown
      expect(() => new method()).toThrow('is not a constructor')
    }
  })

  test('sends records when methods are called without the console', () => {
    const { console, records, stdout } = bridged()
    const { log, count } = console
    log('a')
    count('b')
    expect(records.map(({ body }) => body)).toEqual(['a', 'b: 1'])
    expect(stdout.text).toBe('a\nb: 1\n')
  })

  test('passes `this` and the result when it calls the original method', () => {
    const records: ApiLogRecord[] = []
    const own = {
      calls: 0,
      log() {
        return (this.calls += 1)
      },
    }
    const console = own as unknown as Console
    const restore = bridgeConsole({ console, loggerProvider: memoryProvider(records) })
    expect(own.log()).toBe(1)
    restore()
    expect(own.log()).toBe(2)
    expect(records).toHaveLength(1)
  })

  test('throws when the original method throws, and never else', () => {
    const faults: unknown[] = []
    const getLogger = (): never => {
      throw new Error('no logger')
    }
    const { console, stdout } = bridged({
      loggerProvider: { getLogger },
      onError: (error) => faults.push(error),
    })
    const unreadable = {
      [Symbol.for('nodejs.util.inspect.custom')]() {
        throw new Error('cannot be shown')
      },
    }
    console.log('a')
    expect(() => console.log(unreadable)).toThrow('cannot be shown')
    expect(() => console.trace(unreadable)).toThrow('cannot be shown')
    console.log('b')
    expect(stdout.text).toBe('a\nb\n')
    expect(faults).toEqual([new Error('no logger'), new Error('no logger')])
  })

  test('replaces the methods of the global console when it has no option console', () => {
    const records: ApiLogRecord[] = []
    const { log } = globalThis.console
    const restore = bridgeConsole({ loggerProvider: memoryProvider(records) })
    try {
      globalThis.console.log('to the global console')
    } finally {
      restore()
    }
    expect(records.map(({ body }) => body)).toEqual(['to the global console'])
    expect(globalThis.console.log).toBe(log)
  })
})

describe('restore', () => {
  test('puts the same methods back when it is called once or twice', () => {
    const { console } = newConsole()
    const before = Object.getOwnPropertyDescriptors(console)
    const restore = bridgeConsole({ console })
    expect(console.log).not.toBe(before.log?.value)
    restore()
    restore()
    expect(Object.getOwnPropertyDescriptors(console)).toEqual(before)
    expect(console.log).toBe(before.log?.value)
    expect(console.groupEnd).toBe(before.groupEnd?.value)
  })

  test('leaves methods inherited when they were inherited', () => {
    class Loud {
      heard: unknown[] = []
      log(text: unknown): void {
        this.heard.push(text)
      }
    }
    const loud = new Loud()
    const restore = bridgeConsole({ console: loud as unknown as Console, loggerProvider: memoryProvider([]) })
    loud.log('a')
    restore()
    expect(Object.keys(loud)).toEqual(['heard'])
    expect(loud.heard).toEqual(['a'])
  })

  test('leaves a wrapper of the application in place when the wrapper came later', () => {
    const { console, records, stdout, restore } = bridged()
    const ours = console.log
    const theirs = (text: string): void => ours(`<${text}>`)
    console.log = theirs
    restore()
    console.log('a')
    console.warn('b')
    expect(console.log).toBe(theirs)
    expect(stdout.text).toBe('<a>\n')
    expect(records).toEqual([])
  })

  test('passes calls on when a wrapper puts its method back later', () => {
    const { console, records, stdout, restore } = bridged()
    const ours = console.log
    console.log = (text: string) => ours(`<${text}>`)
    restore()
    console.log = ours
    console.log('a')
    expect(records).toEqual([])
    const again = bridged({ console })
    console.log('b')
    expect(again.record().body).toBe('b')
    again.restore()
    expect(console.log).toBe(ours)
    expect(stdout.text).toBe('a\nb\n')
  })

  test('allows one record for each call when the console is bridged again', () => {
    const first = bridged()
    const ours = first.console.log
    first.console.log = (text: string) => ours(text)
    first.restore()
    const second = bridged({ console: first.console })
    first.console.log('a')
    expect(first.records).toEqual([])
    expect(second.records).toHaveLength(1)
  })
})

describe('bridgeConsole of several consoles', () => {
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 0, 2],
    [1, 2, 0],
  ] as const
  test.for(orders)('sends one record each when they are restored in the order %j', (order) => {
    const consoles = [
      bridged({ level: 'warn', scope: 'first' }),
      bridged({ attributes: { second: true } }),
      bridged({ severity: { error: 21 }, exclude: ['secret'] }),
    ] as const
    const heard = (): unknown[] => {
      for (const { console } of consoles) {
        console.info('info')
        console.error('error', { secret: 1 })
      }
      return consoles.map(({ records }) =>
        records
          .splice(0)
          .map(({ body, severityNumber, attributes }) => [body, severityNumber, Object.keys(attributes)]),
      )
    }
    const expected: unknown[] = [
      [['error', 17, ['secret', 'log.iostream']]],
      [
        ['info', 9, ['log.iostream', 'second']],
        ['error', 17, ['secret', 'log.iostream', 'second']],
      ],
      [
        ['info', 9, ['log.iostream']],
        ['error', 21, ['log.iostream']],
      ],
    ]
    expect(heard()).toEqual(expected)
    for (const index of order) {
      consoles[index].restore()
      expected[index] = []
      expect(heard()).toEqual(expected)
    }
  })

  test('keeps groups apart when each console has its own', () => {
    const [one, two] = [bridged(), bridged()]
    one.console.group('g')
    two.console.log('a')
    expect(one.records).toHaveLength(1)
    expect(two.record().attributes).toEqual({ 'log.iostream': 'stdout' })
  })

  test('adds nothing when a console is bridged a second time', () => {
    const first = bridged()
    const second = bridged({ console: first.console })
    first.console.log('a')
    second.restore()
    first.console.log('b')
    expect(first.records.map(({ body }) => body)).toEqual(['a', 'b'])
    expect(second.records).toEqual([])
  })
})

test('bridgeConsole of another copy bridges a console when the console is no longer bridged', async () => {
  vi.resetModules()
  const copy = await import('../src/index.ts')
  expect(copy.bridgeConsole).not.toBe(bridgeConsole)
  const first = bridged()
  const records: ApiLogRecord[] = []
  const options = { console: first.console, loggerProvider: memoryProvider(records) }
  copy.bridgeConsole(options)()
  first.console.log('a')
  expect(first.record().body).toBe('a')
  first.restore()
  const restore = copy.bridgeConsole(options)
  first.console.log('b')
  restore()
  first.console.log('c')
  expect(records.map(({ body }) => body)).toEqual(['b'])
  expect(first.stdout.text).toBe('a\nb\nc\n')
})

test('bridgeConsole sends records of the console of Jest, except of its timers, when Jest has replaced the console', () => {
  const console = new BufferedConsole()
  const { records } = bridged({ console })
  console.log('a', { b: 1 })
  console.error(new RangeError('no'))
  console.assert(false, 'why')
  console.group('g')
  console.table([{ a: 1 }])
  console.count('c')
  console.time('t')
  console.timeEnd('t')
  expect(records.map(({ severityText, body }) => [severityText, body])).toEqual([
    ['log', 'a'],
    ['error', 'no'],
    ['assert', 'Assertion failed: why'],
    ['group', 'g'],
    ['table', [{ a: 1 }]],
    ['count', 'c'],
  ])
  expect(console.getBuffer()?.map(({ type }) => type)).toContain('count')
})

test('bridgeConsole leaves errors of a stream to the console when the stream fails', () => {
  const stdout = new Memory()
  const records: ApiLogRecord[] = []
  const console = new Console(stdout)
  const restore = bridgeConsole({ console, loggerProvider: memoryProvider(records) })
  stdout.destroy(new Error('EPIPE'))
  stdout.once('error', () => {})
  expect(() => console.log('a')).not.toThrow()
  restore()
  expect(records).toHaveLength(1)
})
