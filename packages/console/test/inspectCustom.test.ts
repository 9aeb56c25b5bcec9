import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { bridged } from './bridged.ts'

class Secret {
  [inspect.custom](): string {
    return '[secret]'
  }
  readonly value: string = 'hunter2'
  readonly error: Error = new Error('hunter2')
}

function withoutSymbols<T extends object>(target: T): T {
  const get = (source: T, key: PropertyKey) =>
    typeof key === 'symbol' ? undefined : (Reflect.get(source, key) as unknown)
  return new Proxy(target, { get })
}

function throwing(): never {
  throw new Error('no access')
}

describe('bridgeConsole sends what inspect.custom shows when the object is', () => {
  const secret = new Secret()

  test.for<[string, (console: Console) => void, unknown]>([
    ['the sole argument', (console) => console.log(secret), '[secret]'],
    ['in the sole argument', (console) => console.log({ token: secret }), { token: '[secret]' }],
    ['in objects alone', (console) => console.log({ a: secret }, { b: 1 }), [{ a: '[secret]' }, { b: 1 }]],
    ['the argument of dir', (console) => console.dir(secret), '[secret]'],
    ['in the argument of dir', (console) => console.dir({ token: secret }), { token: '[secret]' }],
    ['in the argument of table', (console) => console.table([{ token: secret }]), [{ token: '[secret]' }]],
    [
      'the target of a Proxy that hides its symbols',
      (console) => console.log({ token: withoutSymbols(secret) }),
      { token: '[secret]' },
    ],
    [
      'the target of a Proxy that throws',
      (console) => console.log({ token: new Proxy(secret, { get: throwing }) }),
      { token: '[secret]' },
    ],
    [
      'the target of a Proxy behind a text',
      (console) => console.log('login', withoutSymbols(secret)),
      'login [secret]',
    ],
    ['the label of a group', (console) => console.group(secret), '[secret]'],
    ['behind a text', (console) => console.log('login', secret), 'login [secret]'],
    [
      'behind a failed assertion',
      (console) => console.assert(false, '%s', secret),
      'Assertion failed: [secret]',
    ],
  ])('%s', ([, log, body]) => {
    const { console, record } = bridged()
    log(console)
    const { body: sent, attributes } = record()
    expect(sent).toEqual(body)
    expect(inspect(attributes, { depth: null })).not.toContain('hunter2')
  })

  test('the label of an open group', () => {
    const { console, records } = bridged()
    console.group(secret)
    console.log('inside')
    console.groupEnd()
    expect(records[1]!.attributes['console.group']).toEqual(['[secret]'])
  })

  test('in an argument that is too heavy to be shown by util.inspect', () => {
    const { console, record } = bridged()
    const heavy = new Map(Array.from({ length: 5000 }, (_, n) => [n, n === 0 ? secret : n]))
    console.log('heavy', heavy)
    expect(String(record().body)).toContain('[secret]')
    console.log('heavy', Object.assign(new Secret(), { values: Array.from({ length: 5000 }, () => ({})) }))
    expect(record().body).toBe('heavy [secret]')
  })

  test('in an object that a path of redact leads into', () => {
    const { console, record } = bridged({ redact: ['user.password', '*.value'] })
    const user = { name: 'ada', password: 'hunter2', [inspect.custom]: () => 'ada hunter2' }
    console.log('login', { user, token: secret })
    expect(record().attributes).toMatchObject({ user: '[Redacted]', token: '[Redacted]' })
  })
})
