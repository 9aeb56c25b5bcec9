import { toAnyValue } from '@logbridge/bridge'
import type { OtlpAnyValue, OtlpKeyValue } from '@logbridge/viewer'
import { ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, type ReadWriteLogRecord } from '@opentelemetry/sdk-logs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { comparable, named, finalize } from '@logbridge/test-support/expected'
import { attributes, value } from '@logbridge/test-support/values'
import { encodeResource, encodeScope, OpenBatch } from '../../src/otlp/openBatch.ts'
import { type EncodableRecord, RecordEncoder } from '../../src/otlp/recordEncoder.ts'
import { createLoggerProvider } from '../../src/loggerProvider.ts'
import { encodeRequest } from '../../src/otlp/logsRequest.ts'
import { receiver } from '../receive.ts'

const { decode, grpcUrl, take } = receiver()
const NO_LIMITS = { attributeCountLimit: Infinity, attributeValueLengthLimit: Infinity }

test('RecordEncoder writes what toAnyValue makes, within the limits, when anything is logged', async () => {
  const scope = encodeScope({ name: 'any' }, encodeResource(resourceFromAttributes({})))
  const limits = fc.oneof(
    fc.constant(NO_LIMITS),
    // Longer than what stands for a value that cannot be written: a text that is no value is not cut.
    fc.record({
      attributeCountLimit: fc.nat({ max: 6 }),
      attributeValueLengthLimit: fc.integer({ min: 30, max: 60 }),
    }),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(value, attributes()), { minLength: 1 }),
      limits,
      async (makers, given) => {
        const records = makers.map(([body, fields]) => ({ body: body(), fields: fields() }))
        const batch = new OpenBatch()
        for (const { body, fields } of records) {
          batch.add(scope, record({ body: body[0], attributes: fields[0] }), given)
        }
        const received = await decode(encodeRequest(batch.seal()!))
        expect(received).toHaveLength(records.length)
        for (const [index, { body, fields }] of records.entries()) {
          const { raw, droppedAttributesCount } = received[index]!
          const decoded = fromOtlp(raw.body)
          expect(decoded).toEqual(finalize(body[1]))
          expect(decoded).toEqual(comparable(toAnyValue(body[0])))

          const all = [
            ...(finalize(named(fields[1], '[empty]'), given.attributeValueLengthLimit) as Map<
              string,
              unknown
            >),
          ]
          expect(fromKeyValues(raw.attributes)).toEqual(new Map(all.slice(0, given.attributeCountLimit)))
          expect(droppedAttributesCount).toBe(Math.max(0, all.length - given.attributeCountLimit))
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('RecordEncoder writes the same message as the official serializer when both can express the record', async () => {
  const text = fc.string({ unit: 'binary' })
  const key = fc.string().filter((name) => name.trim() !== '' && name !== '__proto__')
  const { any } = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      fc.maxSafeInteger(),
      // The official serializer writes -0, and integers that a double cannot hold exactly, as int.
      fc.double().filter((n) => !Number.isInteger(n) || (Number.isSafeInteger(n) && !Object.is(n, -0))),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
      fc.array(tie('any')),
      fc.dictionary(key, tie('any')),
    ),
  }))
  const simple = fc.dictionary(key, fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text)))
  const time = fc.tuple(fc.nat({ max: 18_446_744_072 }), fc.nat({ max: 999_999_999 }))
  const hex = (length: number): fc.Arbitrary<string> =>
    fc
      .string({
        unit: fc.constantFrom(...'0123456789abcdefABCDEF'.split('')),
        minLength: length,
        maxLength: length,
      })
      .filter((digits) => /[^0]/.test(digits))
  const input = fc.record({
    logRecord: fc.record({
      timestamp: time,
      observedTimestamp: time,
      severityNumber: fc.integer({ min: 0, max: 24 }),
      severityText: fc.option(text, { nil: undefined }),
      body: fc.option(any, { nil: undefined }),
      attributes: fc.dictionary(key, any),
      eventName: fc.option(text, { nil: undefined }),
    }),
    spanContext: fc.option(
      fc.record({ traceId: hex(32), spanId: hex(16), traceFlags: fc.nat({ max: 255 }) }),
      { nil: undefined },
    ),
    scope: fc.record({
      name: fc.string({ minLength: 1 }),
      version: text,
      schemaUrl: text,
      attributes: simple,
    }),
    resource: fc.tuple(simple, text),
    attributeCountLimit: fc.oneof(fc.nat({ max: 5 }), fc.constant(128)),
  })

  await fc.assert(
    fc.asyncProperty(input, async ({ logRecord, spanContext, scope, resource: [of, url], ...limit }) => {
      let sdkRecord!: ReadWriteLogRecord
      const resource = resourceFromAttributes(of, { schemaUrl: url })
      const provider = new LoggerProvider({
        resource,
        logRecordLimits: limit,
        processors: [
          {
            onEmit: (emitted) => void (sdkRecord = emitted),
            forceFlush: async () => {},
            shutdown: async () => {},
          },
        ],
      })
      const { name, version, ...options } = scope
      provider.getLogger(name, version, options).emit({
        ...(logRecord as object),
        context: spanContext ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT,
      })
      const theirs = await decode(ProtobufLogsSerializer.serializeRequest([sdkRecord])!)

      const batch = new OpenBatch()
      const encodable = record({ ...logRecord, spanContext })
      // The SDK takes only simple values for a scope's attributes, and counts the others as dropped.
      const encodedScope = encodeScope(sdkRecord.instrumentationScope, encodeResource(resource))
      batch.add(encodedScope, encodable, { ...NO_LIMITS, ...limit })
      expect(await decode(encodeRequest(batch.seal()!))).toEqual(theirs)
    }),
    { numRuns: 500 },
  )
})

test('RecordEncoder writes the same bytes when it takes its fast ways', () => {
  class SlowEncoder extends RecordEncoder {
    override primitiveField(): boolean {
      return false
    }
  }
  const key = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 130 }),
    fc.string({ minLength: 60, maxLength: 110, size: 'max' }),
    fc.constantFrom('id', 'user.name'),
  )
  const primitive = fc.oneof(
    fc.string({ maxLength: 60, size: 'max' }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.maxSafeInteger(),
    fc.nat(),
    fc.double(),
    fc.boolean(),
    fc.constantFrom(0, -0, 127, 128, 2 ** 31, 2 ** 53, NaN, '', 'naïve', 'ÿ', '\x7f'),
  )
  const fields = fc.dictionary(key, fc.oneof(primitive, fc.dictionary(key, primitive)))
  const span = fc.constantFrom(
    undefined,
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 },
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 0 },
    { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203332', traceFlags: 1 },
  )
  const records = fc.array(fc.record({ attributes: fields, body: primitive, spanContext: span }))
  fc.assert(
    fc.property(records, fc.constantFrom(undefined, 20), (given, attributeValueLengthLimit) => {
      const limits = { attributeValueLengthLimit }
      const fast = new RecordEncoder()
      const expected: Buffer[] = []
      for (const fieldsOfOne of given) {
        // Twice: a key is written fast once it is known, and a trace context when it was the last.
        fast.logRecord(record(fieldsOfOne), limits)
        fast.logRecord(record(fieldsOfOne), limits)
        const slow = new SlowEncoder()
        slow.logRecord(record(fieldsOfOne), limits)
        expected.push(slow.view(), slow.view())
      }
      expect(fast.view().equals(Buffer.concat(expected))).toBe(true)
    }),
    { numRuns: 1000 },
  )
})

test('createLoggerProvider delivers all other records when one has anything in any field', async () => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false })
  const logger = provider.getLogger('any')
  const severity = fc.oneof(fc.constantFrom<unknown>(Infinity, NaN, -1, 1.5, 25, 2 ** 60, '9'), fc.double())
  const anything = fc.record({
    timestamp: value,
    observedTimestamp: value,
    severityNumber: severity.map((number) => () => [number]),
    severityText: value,
    body: value,
    attributes: value,
    exception: value,
    eventName: value,
  })
  const samples = fc.sample(anything, 300)
  for (const [index, makers] of samples.entries()) {
    const fields = Object.entries(makers).map(([name, make]) => [name, make()[0]])
    logger.emit(Object.fromEntries(fields))
    logger.emit({ body: index, eventName: 'good' })
  }
  await provider.shutdown()
  const good = take().filter(({ eventName }) => eventName === 'good')
  // Requests in flight may arrive in another order.
  const numbers = good.map(({ body }) => Number(body)).toSorted((a, b) => a - b)
  expect(numbers).toEqual([...samples.keys()])
  const { created, delivered, dropped } = provider.stats()
  expect({ created, dropped }).toEqual({ created: delivered, dropped: {} })
})

test('createLoggerProvider counts what a value logs, and delivers all other records, when the value is being written', async () => {
  const provider = createLoggerProvider({ endpoint: grpcUrl(), register: false })
  const logger = provider.getLogger('any')
  const noisy = {
    toJSON() {
      for (let n = 0; n < 1000; n += 1) logger.emit({ body: 'x'.repeat(1000) })
      return 'noisy'
    },
  }
  logger.emit({ body: 'before' })
  logger.emit({ body: 'noisy', attributes: { a: 1, noisy, b: 2 } })
  logger.emit({ body: 'after' })
  await provider.shutdown()
  const received = take()
  expect(received.map(({ body }) => body)).toEqual(['before', 'noisy', 'after'])
  expect({ ...received[1]!.attributes }).toEqual({ a: 1, noisy: 'noisy', b: 2 })
  expect(provider.stats()).toMatchObject({ created: 1003, delivered: 3, dropped: { reentrant: 1000 } })
})

function record(fields: Partial<EncodableRecord>): EncodableRecord {
  return {
    timestamp: [1_700_000_000, 0],
    observedTimestamp: [1_700_000_000, 0],
    severityNumber: 9,
    severityText: undefined,
    body: undefined,
    attributes: undefined,
    droppedAttributesCount: 0,
    eventName: undefined,
    spanContext: undefined,
    ...fields,
  }
}

/** A value as it was decoded, as `comparable` has it. No map may have a key twice. */
function fromOtlp(any: OtlpAnyValue | null): unknown {
  switch (any?.value) {
    case undefined:
      return null
    case 'intValue':
      return comparable(BigInt(any.intValue.toString()))
    case 'arrayValue':
      return any.arrayValue.values.map(fromOtlp)
    case 'kvlistValue':
      return fromKeyValues(any.kvlistValue.values)
    default:
      return comparable(any![any!.value])
  }
}

function fromKeyValues(list: readonly OtlpKeyValue[]): Map<string, unknown> {
  const map = new Map(list.map((field) => [field.key, fromOtlp(field.value)]))
  expect(map.size).toBe(list.length)
  return map
}
