/**
 * Child process that logs one hostile value: `hostileValues.js KIND URL SUBJECT`. Sends `SUBJECT alone` when the library alone has
 * logged the value in time, then the milliseconds of this thread's CPU that logbridge adds to a log call, without the time of the library
 * alone and without one `Reflect.ownKeys` of an object with many keys.
 */
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'

export const SUBJECTS = ['emit', 'emit body', 'console', 'winston', 'pino', 'bunyan', 'log4js']
const REPEATS = 3
/** Longest log call of a library alone that is compared. */
const MAX_ALONE_MILLIS = 5000
const MANY = 65_000
const MIB = 2 ** 20

/** Kinds that a library that writes JSON cannot finish on its own. */
const ENDLESS_AS_JSON = new Set(['27 shared objects', '27 shared arrays', 'shared objects behind getters'])
const WITHOUT_JSON = ['emit', 'emit body', 'console']

class Instance {
  n = 0
}

/** Values by description. */
export const KINDS = {
  'an iterator without end': () =>
    new (class {
      get size() {
        return 3
      }
      *[Symbol.iterator]() {
        for (;;) yield 1
      }
    })(),
  'a Set whose class iterates without end': () =>
    new (class extends Set {
      *[Symbol.iterator]() {
        for (;;) yield 1
      }
    })([1]),
  'a Map whose class iterates without end': () =>
    new (class extends Map {
      *[Symbol.iterator]() {
        for (;;) yield [1, 1]
      }
    })([[1, 1]]),
  '27 shared objects as the key of a Map': () => new Map([[twins(), 1]]),
  '27 shared objects': () => twins(),
  '27 shared arrays': () => nested((inner) => [inner, inner], 26),
  '27 shared arrays as the message of an Error': () =>
    Object.assign(new Error('x'), { message: nested((inner) => [inner, inner], 26) }),
  'a Map of 3 M entries': () => new Map(list(3e6, (n) => [n, n])),
  'a Map of 3 M texts': () => new Map(list(3e6, (n) => [`key${n}`, n])),
  'a Map with object keys': () => new Map(list(MANY, (n) => [{ n }, n])),
  'a Map of keys that become equal': () => new Map(list(MANY, (n) => [Symbol('same'), n])),
  'a Set of 5 M values': () => new Set(list(5e6, (n) => n)),
  'a sparse array': () => {
    const array = []
    array[2 ** 32 - 2] = 1
    return array
  },
  'a Proxy that claims an endless array': () =>
    new Proxy([], { get: (target, key) => (key === 'length' ? Number.MAX_SAFE_INTEGER : target[key]) }),
  'a Proxy of 300,000 keys': () => new Proxy(wide(300_000), {}),
  'a Proxy around many Proxies': () =>
    new Proxy(
      list(MANY, (n) => new Proxy({ n }, {})),
      {},
    ),
  'an object of 1 M keys': () => wide(1e6),
  'a class instance of 1 M keys': () => Object.assign(new Instance(), wide(1e6)),
  'an object of 300,000 symbols': () => symbols(300_000),
  '100,000 hidden keys, shared': () => shared(hidden(100_000)),
  '2,000 hidden keys, shared': () => shared(hidden(2000)),
  '2,000 hidden keys of a class, shared': () => shared(hidden(2000, new Instance())),
  '2,000 hidden keys of an Error, shared': () => shared(hidden(2000, new Error('x'))),
  '2,000 symbols, shared': () => shared(symbols(2000)),
  '1,000 hidden keys, shared': () => shared(hidden(1000)),
  '1,000 hidden keys of a class, shared': () => shared(hidden(1000, new Instance())),
  '1,000 functions, shared': () => shared(wide(1000, () => list)),
  '1,000 functions of a class, shared': () =>
    shared(
      Object.assign(
        new Instance(),
        wide(1000, () => list),
      ),
    ),
  '1,000 functions of an Error, shared': () =>
    shared(
      Object.assign(
        new Error('x'),
        wide(1000, () => list),
      ),
    ),
  '1,000 functions in an array, shared': () => shared(list(1000, () => list)),
  '1,000 functions in a Map, shared': () => shared(new Map(list(1000, (n) => [n, list]))),
  '65,000 Dates': () => list(MANY, (n) => new Date(n)),
  '65,000 bigints': () => list(MANY, (n) => 2n ** 70n + BigInt(n)),
  '65,000 bigints of 64 bits': () => list(MANY, (n) => 2n ** 62n + BigInt(n)),
  'a bigint of 1 M bits': () => 1n << 1_000_000n,
  'bigints of 10,000 digits': () => list(MANY, () => 10n ** 9_999n),
  '65,000 getters that throw': () => list(MANY, throwing),
  '65,000 toString that throw': () => list(MANY, () => ({ __proto__: { toString: fail } })),
  '65,000 Errors': () => list(MANY, (n) => new Error(`no ${n}`)),
  '65,000 class instances': () => list(MANY, () => new Instance()),
  '65,000 Buffers': () => list(MANY, () => Buffer.from('x')),
  '65,000 URLs': () => list(MANY, (n) => new URL(`http://a/${n}`)),
  '65,000 boxed numbers': () => list(MANY, (n) => Object(n)),
  '65,000 empty Maps': () => list(MANY, () => new Map()),
  '65,000 objects of 64 prototypes': () =>
    shared(nested((inner) => Object.create(inner), 64, Instance.prototype)),
  '65,000 objects of 10,000 prototypes': () =>
    shared(nested((inner) => Object.create(inner), 10_000, Instance.prototype)),
  'an AggregateError of 1 M': () => new AggregateError(list(1e6, (n) => n)),
  'an AggregateError of 65,000 Errors': () => new AggregateError(list(MANY, (n) => new Error(`no ${n}`))),
  '100,000 causes': () => nested((cause) => new Error('x', { cause }), 100_000),
  'a toJSON that returns one with toJSON': () => {
    const value = { toJSON: () => ({ ...value, value: list(100, () => value) }) }
    return value
  },
  'a typed array of 100 MB': () => new Uint8Array(100 * MIB),
  'many typed arrays of 100 kB': () => list(MANY, () => BYTES),
  'a text of 100 MB': () => 'x'.repeat(100 * MIB),
  'a text of 100 MB, not of ASCII': () => 'é'.repeat(100 * MIB),
  'shared texts of 100 kB, not of ASCII': () => shared('é'.repeat(100_000)),
  'shared texts of 100 kB, joined': () => list(MANY, (n) => `${'é'.repeat(50_000)}${n}`),
  'shared texts of 100 characters, not of ASCII': () => shared('é'.repeat(100)),
  'keys that are not well-formed': () => Object.fromEntries(list(MANY, (n) => [`\ud800${n}`, n])),
  'keys that become equal': () => Object.fromEntries(list(2000, (n) => [String.fromCharCode(0xd800 + n), n])),
  'long keys': () => Object.fromEntries(list(1000, (n) => [`${n}`.padEnd(10_000, 'é'), n])),
  'nesting of 100,000': () => nested((inner) => ({ inner }), 100_000),
  'arrays nested 100,000 deep': () => nested((inner) => [inner], 100_000),
  'shared objects behind getters': () =>
    nested((inner) => ({ get a() { return inner }, get b() { return inner } }), 26), // prettier-ignore
  'util.inspect.custom without end': () => {
    const value = { [inspect.custom]: () => list(1000, () => value), a: list(1000, () => ({ b: 1 })) }
    return value
  },
  'three levels of 100 keys': () => wide(100, () => wide(100, () => wide(100))),
}
const BYTES = Buffer.alloc(100_000)

function list(length, make) {
  return Array.from({ length }, (_, n) => make(n))
}

function shared(value) {
  return Array.from({ length: MANY }).fill(value)
}

function wide(count, make = (n) => n) {
  return Object.fromEntries(list(count, (n) => [`key${n}`, make(n)]))
}

function symbols(count) {
  const value = {}
  for (let n = 0; n < count; n += 1) value[Symbol(n)] = n
  return value
}

function hidden(count, value = {}) {
  for (let n = 0; n < count; n += 1) Object.defineProperty(value, `key${n}`, { value: n, enumerable: false })
  return value
}

function nested(wrap, depth, value = 'leaf') {
  for (let n = 0; n < depth; n += 1) value = wrap(value)
  return value
}

function twins() {
  return nested((inner) => ({ a: inner, b: inner }), 26)
}

function fail() {
  throw new Error('no')
}

function throwing() {
  return Object.defineProperty({}, 'key', { enumerable: true, get: fail })
}

if (process.send) {
  const [, , kind, url, subject] = process.argv
  const value = KINDS[kind]()
  const keys = keysMillis(value)
  const millis = await added(subject, url, value)
  if (millis !== undefined) process.send({ [subject]: Math.max(0, millis - keys) })
  process.disconnect()
  process.exit()
}

/** Returns the subjects that can log a kind of value. */
export function subjectsOf(kind) {
  return ENDLESS_AS_JSON.has(kind) ? WITHOUT_JSON : SUBJECTS
}

/** Returns the milliseconds of `Reflect.ownKeys` on an object, or on the shared object of an array. */
export function keysMillis(given) {
  const value = Array.isArray(given) && given[0] === given.at(-1) ? given[0] : given
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return 0
  return Math.min(...list(REPEATS, () => millisOf(() => Reflect.ownKeys(value).length)))
}

/** Returns `undefined` when the library alone takes too long. */
async function added(subject, url, value) {
  const { programs } = await import(`../programs/${subject.startsWith('emit') ? 'logger' : subject}.js`)
  const bare = await programs.bare?.start()
  const bridged = await programs.logbridge.start(url)
  const log = subject === 'emit body' ? ({ log }) => log(value) : ({ log }) => log('text', { value })
  // The warm-up compiles the code of a log call.
  for (let n = 0; n < 200; n += 1) bridged.log('text', { value: { n, list: [n] } })
  if (bare && (await millisAfterTurn(() => log(bare))) > MAX_ALONE_MILLIS) return undefined
  process.send({ [`${subject} alone`]: true })
  let bareMillis = Infinity
  let bridgedMillis = Infinity
  for (let n = 0; n < REPEATS; n += 1) {
    if (bare) bareMillis = Math.min(bareMillis, await millisAfterTurn(() => log(bare)))
    bridgedMillis = Math.min(bridgedMillis, await millisAfterTurn(() => log(bridged)))
    await bridged.flush?.()
  }
  await bridged.finish?.()
  return bridgedMillis - (bare ? bareMillis : 0)
}

async function millisAfterTurn(run) {
  await setImmediate()
  return millisOf(run)
}

function millisOf(run) {
  const start = process.threadCpuUsage()
  try {
    run()
  } catch {
    // The library throws on the value.
  }
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1000
}
