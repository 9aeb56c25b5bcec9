import { type BackendSession, type ConformanceRecord, memoryBackend } from '@logbridge/bridge/conformance'
import fc from 'fast-check'
import pino from 'pino'
import pino8 from 'pino8'
import pino9 from 'pino9'
import { beforeAll, describe, expect, test } from 'vitest'
import { otelStream } from '../src/index.ts'

const NUM_RUNS = 400
/** Seconds since the epoch: after the times that pino writes here, and before the time of the calls. */
const LONG_AGO = 1_750_000_000
const LOGGER_OPTIONS: pino.LoggerOptions = { timestamp: () => ',"time":1700000000123' }

/** Keys that pino or the adapter itself uses among others. */
const key = fc.oneof(
  fc.constantFrom(
    'level',
    'time',
    'pid',
    'hostname',
    'name',
    'msg',
    'message',
    'err',
    'error',
    'stack',
    '1',
    'a',
  ),
  fc.constantFrom('type', 'problem', 'exception', 'trace_id', 'secret', 'b"c', 'é'),
  fc.string({ maxLength: 3 }),
)
/** Numbers of one form in JSON: -0 is written as 0, and an integer beyond the safe ones may be a bigint. */
const number = fc.oneof(
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Number.isInteger(value)),
)
const text = fc.oneof(
  fc.string(),
  fc.constantFrom('secret', 'shop', '12345678901234567', '"', '\\', '2020-01-01T00:00:00Z'),
)
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    number,
    fc.boolean(),
    fc.constant(null),
    // A copy, because the bridge takes one object under two keys for one exception.
    fc
      .constantFrom<object>(
        { message: 'no', stack: 'Oops: no\n    at there' },
        { message: 'no', code: 1 },
        { name: 'no' },
      )
      .map((each) => structuredClone(each)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}))
/** An Error without a cause: pino's serializer writes causes as text. */
const error = fc
  .tuple(
    fc.constantFrom(Error, TypeError),
    fc.string(),
    fc.dictionary(fc.constantFrom('code', 'a'), fc.oneof(text, number), { noNullPrototype: true }),
  )
  .map(([Class, message, fields]) => Object.assign(new Class(message), fields))
const fields = fc.dictionary(
  key,
  fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.constant(undefined) }),
  {
    maxKeys: 5,
    noNullPrototype: true,
  },
)
const logged = fc.oneof(
  { weight: 5, arbitrary: fields },
  {
    weight: 2,
    arbitrary: fc.tuple(fields, error).map(([all, err]) => ({ ...all, err })),
  },
  { weight: 1, arbitrary: error },
)
const message = fc.option(fc.oneof(text, number, fc.constantFrom('%s', 'hello')), { nil: undefined })
const bindings = fc.option(
  fc.dictionary(
    key.filter((each) => !each.includes('"')),
    value,
    { maxKeys: 3, noNullPrototype: true },
  ),
  { nil: undefined },
)

const settings: Record<string, fc.Arbitrary<unknown>> = {
  name: fc.constantFrom('shop', 'a"b'),
  base: fc.constantFrom(null, { region: 'eu' }, { pid: process.pid, hostname: 'elsewhere' }),
  messageKey: fc.constantFrom('message', 'a'),
  errorKey: fc.constantFrom('problem', 'error'),
  msgPrefix: fc.constant('[shop] '),
  timestamp: fc.constantFrom(
    false,
    () => ',"time":"2023-11-14T22:13:20.123Z"',
    () => ',"time":1700000000',
    () => ',"ts":"yesterday"',
    () => ',"time":1700000000123,"zone":"CET"',
    () => ', "at": 1700000000123',
  ),
  mixin: fc.constantFrom(() => ({ mixed: true, a: 'mixed in' })),
  mixinMergeStrategy: fc.constant((fields: object, mixed: object) => ({ ...fields, ...mixed })),
}
/** Settings by which an application changes what pino writes. */
const changes: Record<string, fc.Arbitrary<unknown>> = {
  redact: fc.constantFrom(['secret'], ['*.secret', 'a'], {
    paths: ['a', 'secret', 'err.code'],
    remove: true,
  }),
  serializers: fc.constantFrom(
    { a: () => 'serialized', secret: () => undefined },
    { err: (error?: Error | null) => ({ message: error?.message }) },
    { msg: String, name: () => 'serialized' },
    { err: undefined },
    pino.stdSerializers,
    { [Symbol.for('pino.*')]: () => ({}) },
  ),
  formatters: fc.constantFrom(
    { log: ({ secret: _, ...others }: Record<string, unknown>) => ({ ...others, formatted: true }) },
    { level: (label: string) => ({ severity: label.toUpperCase() }) },
    { level: (label: string) => ({ level: label }) },
    { bindings: () => ({ formatted: true }) },
  ),
  nestedKey: fc.constant('nested'),
  depthLimit: fc.constantFrom(1, 2, 100),
  edgeLimit: fc.constantFrom(1, 1000),
  hooks: fc.constantFrom(
    { streamWrite: (line: string) => line.replaceAll('secret', '***') },
    {
      logMethod(this: pino.Logger, args: unknown[], method: (...args: unknown[]) => void) {
        method.call(this, { hooked: true }, ...args.slice(1))
      },
    },
  ),
}
const childOptions = fc.option(
  fc.record(
    {
      redact: changes['redact']!,
      serializers: changes['serializers']!,
      formatters: changes['formatters']!,
      msgPrefix: fc.constant('>'),
    },
    { requiredKeys: [], noNullPrototype: true },
  ),
  { nil: undefined },
)

/** A value that JSON cannot carry shows which source was read. */
const CANARY = { canary: new Set(['canary']) }
const FROM_LINE = {}

describe.each([
  ['pino 10', pino],
  ['pino 9', pino9 as unknown as typeof pino],
  ['pino 8', pino8 as unknown as typeof pino],
])('readMetadata of %s', (_, library) => {
  let line: BackendSession
  let metadata: BackendSession
  let text = ''
  let streams: pino.DestinationStream
  beforeAll(async () => {
    line = await memoryBackend.start()
    metadata = await memoryBackend.start()
    streams = library.multistream([
      { stream: { write: (written: string) => void (text = written) } },
      { stream: otelStream({ loggerProvider: line.loggerProvider, source: 'line' }) },
      { stream: otelStream({ loggerProvider: metadata.loggerProvider }) },
    ])
  })

  /** Logs, tests that both sources give the same, and returns the source that was read. */
  async function sourceOf(logger: pino.Logger, logged: object, message: unknown): Promise<unknown> {
    logger.info(logged instanceof Error ? logged : { ...logged, ...CANARY }, message as string)
    const [[byLine], [byMetadata]] = [await line.records(), await metadata.records()]
    const { canary, ...attributes } = byMetadata!.attributes
    expect(comparable(byMetadata!, attributes)).toEqual(comparable(byLine!, without(byLine!.attributes)))
    if (!text.includes('secret')) expect(JSON.stringify(byMetadata)).not.toContain('secret')
    return canary
  }

  test('gives what the line gives when JSON carries each value', async () => {
    let fromMetadata = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record(settings, { requiredKeys: [], noNullPrototype: true }),
        bindings,
        logged,
        message,
        async (options, bindings, logged, message) => {
          const root = library({ ...LOGGER_OPTIONS, ...options } as pino.LoggerOptions, streams)
          const logger = bindings ? root.child(bindings) : root
          if (Array.isArray(await sourceOf(logger, logged, message))) fromMetadata += 1
        },
      ),
      { numRuns: NUM_RUNS },
    )
    expect(fromMetadata).toBeGreaterThan(NUM_RUNS / 3)
  })

  test('hides what the line hides when the application changes lines', async () => {
    const changed = fc
      .record(changes, { requiredKeys: [], noNullPrototype: true })
      .filter((all) => Object.keys(all).length > 0)
    await fc.assert(
      fc.asyncProperty(
        fc.record(settings, { requiredKeys: [], noNullPrototype: true }),
        changed,
        fc.option(childOptions, { nil: undefined }),
        bindings,
        logged,
        message,
        async (options, changes, childOptions, bindings, logged, message) => {
          const root = library({ ...LOGGER_OPTIONS, ...options, ...changes } as pino.LoggerOptions, streams)
          const logger =
            bindings || childOptions
              ? root.child(bindings ?? {}, childOptions as pino.ChildLoggerOptions)
              : root
          const source = await sourceOf(logger, logged, message)
          if (source !== undefined && readsLine(changes, childOptions as Changes))
            expect(source).toEqual(FROM_LINE)
        },
      ),
      { numRuns: NUM_RUNS },
    )
  })
})

interface Changes {
  redact?: unknown
  nestedKey?: unknown
  depthLimit?: unknown
  edgeLimit?: unknown
  formatters?: pino.LoggerOptions['formatters']
  hooks?: { streamWrite?: unknown }
}

/** Tests for changes that no field shows. A logger with serializers alone is read from the metadata, but for their fields. */
function readsLine(root: Changes, child: Changes = {}): boolean {
  return [root, child].some(
    ({ redact, nestedKey, depthLimit, edgeLimit, formatters, hooks }) =>
      redact ?? nestedKey ?? depthLimit ?? edgeLimit ?? formatters?.log ?? hooks?.streamWrite,
  )
}

function without({ canary: _, ...attributes }: Record<string, unknown>): object {
  return attributes
}

function comparable(record: ConformanceRecord, attributes: object): object {
  const { scope, timestamp, severityNumber, severityText, body } = record
  // A record without a time of pino has the time of the call, which is another one for each stream.
  const time = timestamp[0] < LONG_AGO ? timestamp : 'call'
  return { scope, time, severityNumber, severityText, body, attributes }
}
