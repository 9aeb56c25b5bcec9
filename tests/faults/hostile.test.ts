import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { bridgeConsole } from '@logbridge/console'
import { createLoggerProvider, type LogbridgeLoggerProvider } from '@logbridge/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { expectBalance, reportCounts } from '@logbridge/test-support/faultCounts'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'

// Hostile values between records that must arrive, through a Collector.

const program = findCollector()
const FIVE_MB = 5_000_000

/** Values by description, with the drop reason of their records. */
const VALUES: Record<string, { make: () => unknown; dropped?: 'too_large' }> = {
  'a text of 10 MB': { make: () => 'x'.repeat(10_000_000), dropped: 'too_large' },
  'an object with a text of 5 MB': { make: () => ({ text: 'x'.repeat(FIVE_MB) }), dropped: 'too_large' },
  '5 MB of bytes': { make: () => new Uint8Array(FIVE_MB), dropped: 'too_large' },
  '100,000 keys': {
    make: () => Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n])),
  },
  'a depth of 10,000': { make: () => nested(10_000, (inner) => ({ inner })) },
  'arrays 10,000 deep': { make: () => nested(10_000, (inner) => [inner]) },
  'an Error with 10,000 causes': {
    make: () => nested(10_000, (cause) => new Error('caused', { cause })),
  },
  'a sparse array of 4 billion elements': {
    make: () => {
      const array: unknown[] = []
      array[2 ** 32 - 2] = 'last'
      return array
    },
  },
  'a getter that throws': {
    make: () => ({
      get broken() {
        throw new Error('no')
      },
      fine: 1,
    }),
  },
  'a getter that throws itself': {
    make: () => {
      const thrown = {
        get message() {
          throw thrown
        },
        toString() {
          throw thrown
        },
      }
      return {
        get broken() {
          throw thrown
        },
      }
    },
  },
  'toJSON that throws': {
    make: () => ({
      toJSON() {
        throw new Error('no')
      },
    }),
  },
  'toJSON that gives another each time': { make: endless },
  'a Proxy whose every trap throws': { make: () => new Proxy({ a: 1 }, throwingTraps()) },
  'a Proxy with keys without end': {
    make: () => {
      let count = 0
      return new Proxy(
        {},
        {
          get: (_target, key) => (typeof key === 'symbol' ? undefined : endless()),
          has: () => true,
          ownKeys: () => [`k${count++}`],
          getOwnPropertyDescriptor: () => ({ value: endless(), enumerable: true, configurable: true }),
        },
      )
    },
  },
  'a revoked Proxy': {
    make: () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return { proxy }
    },
  },
  'a bigint of 10,000 digits': { make: () => 10n ** 10_000n },
  'an object that contains itself': {
    make: () => {
      const self: Record<string, unknown> = {}
      self['self'] = self
      return self
    },
  },
  'a Map that contains itself': {
    make: () => {
      const map = new Map<unknown, unknown>()
      return map.set(map, map)
    },
  },
  'a million elements': { make: () => Array.from({ length: 1_000_000 }, () => 'x') },
  'lone surrogates': { make: () => ({ ['\ud800']: '\udfff'.repeat(1000) }) },
  'names of the prototype': {
    make: () => JSON.parse('{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'),
  },
  'a Symbol, a function, a class and a WeakMap': {
    make: () => ({ symbol: Symbol('s'), function() {}, class: Map, weak: new WeakMap() }),
  },
  'an invalid Date': { make: () => new Date(NaN) },
}

type Log = (value: unknown) => void
const ways: [string, (provider: LogbridgeLoggerProvider) => { asBody: Log; asField: Log }][] = [
  [
    'Logger of core',
    (provider) => {
      const logger = provider.getLogger('hostile')
      return {
        asBody: (body) => logger.emit({ body, severityNumber: 9 }),
        asField: (value) => logger.emit({ body: 'a field', severityNumber: 9, attributes: { value } }),
      }
    },
  ],
  [
    'console',
    (loggerProvider) => {
      const console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }))
      onTestFinished(bridgeConsole({ console, loggerProvider }))
      return {
        asBody: (value) => console.log(value),
        asField: (value) => console.log('a field', { value }),
      }
    },
  ],
]

describe.skipIf(program === undefined)('hostile value', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())

  describe.each(ways)('through %s', (way, start) => {
    test.each(Object.entries(VALUES))(
      'is sent or dropped alone when it is %s',
      async (name, { make, dropped }) => {
        collector.received.resourceLogs.length = 0
        const provider = createLoggerProvider({ endpoint: collector.grpcUrl, register: false })
        const { asBody, asField } = start(provider)
        asBody('before')
        asBody(make())
        asBody('between')
        asField(make())
        asBody('after')
        await provider.shutdown()
        const stats = provider.stats()
        if (dropped) reportCounts(`${name}, through ${way}`, stats)
        expectBalance(stats)
        const delivered = dropped ? 3 : 5
        expect(stats).toMatchObject({ created: 5, delivered, dropped: dropped ? { [dropped]: 2 } : {} })
        const bodies = recordsOf(collector).map(({ body }) => body?.stringValue)
        expect(bodies).toHaveLength(delivered)
        // Two full batches may arrive in any order.
        expect(bodies).toEqual(expect.arrayContaining(['before', 'between', 'after']))
        expect(({} as { polluted?: number }).polluted).toBeUndefined()
      },
    )

    test('is sent and its nested record is counted when it logs while it is read', async () => {
      collector.received.resourceLogs.length = 0
      const provider = createLoggerProvider({ endpoint: collector.grpcUrl, register: false })
      const logger = provider.getLogger('nested')
      const { asBody } = start(provider)
      asBody('before')
      asBody({
        get loud() {
          logger.emit({ body: 'read', severityNumber: 9 })
          return 1
        },
      })
      asBody('after')
      await provider.shutdown()
      const stats = provider.stats()
      reportCounts(`a value that logs, through ${way}`, stats)
      expect(stats).toMatchObject({ delivered: 3 })
      expect(stats.dropped.reentrant).toBe(stats.created - 3)
      expect(recordsOf(collector).map(({ body }) => body?.stringValue ?? 'object')).toEqual([
        'before',
        'object',
        'after',
      ])
    })
  })
})

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'bottom'
  for (let level = 0; level < depth; level += 1) value = wrap(value)
  return value
}

/** Creates an object whose toJSON returns an object with toJSON, without end. */
function endless(): object {
  return { toJSON: endless }
}

function throwingTraps(): ProxyHandler<object> {
  const trap = (): never => {
    throw new Error('trapped')
  }
  const names = Object.getOwnPropertyNames(Reflect) as (keyof typeof Reflect)[]
  return Object.fromEntries(names.map((name) => [name, trap]))
}

function recordsOf(collector: Collector): any[] {
  return collector.received.resourceLogs.flatMap(({ scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }: any) => logRecords),
  )
}
