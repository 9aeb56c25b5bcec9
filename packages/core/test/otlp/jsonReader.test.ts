import { LogbridgeError } from '@logbridge/bridge'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Signal } from '../../src/config/optionTable.ts'
import { JsonReader } from '../../src/otlp/jsonReader.ts'
import { JsonWriter } from '../../src/otlp/jsonWriter.ts'
import { comparable, messageOf, requests } from './anyRequest.ts'

const SIGNALS = Object.keys(requests) as Signal[]

describe.each(SIGNALS)('JsonReader of %s', (signal) => {
  test('reads what JsonWriter has written, and loses nothing, when a request has any values in any of its fields', () => {
    const writer = new JsonWriter(signal)
    const reader = new JsonReader(signal)
    fc.assert(
      fc.property(messageOf(requests[signal], 0), fc.boolean(), (content, isReversed) => {
        const request = requests[signal].encode(requests[signal].fromObject(content)).finish()
        const json: unknown = JSON.parse(writer.line(request).toString())
        const read = reader.request(isReversed ? reversed(json) : json)
        expect(comparable(requests[signal], read)).toEqual(comparable(requests[signal], request))
        // A line that is written again has all fields in the order of their numbers.
        expect(JSON.parse(writer.line(read).toString())).toEqual(json)
      }),
      { numRuns: 100 },
    )
  })

  test('throws LogbridgeError alone, and reads the next request, when any part of a request has another type', () => {
    const writer = new JsonWriter(signal)
    const reader = new JsonReader(signal)
    fc.assert(
      fc.property(messageOf(requests[signal], 0), fc.nat(), fc.jsonValue(), (content, seed, other) => {
        const request = requests[signal].encode(requests[signal].fromObject(content)).finish()
        const json: unknown = JSON.parse(writer.line(request).toString())
        try {
          requests[signal].decode(reader.request(withAnother(json, seed, other)))
        } catch (error) {
          expect(error).toBeInstanceOf(LogbridgeError)
        }
        expect(comparable(requests[signal], reader.request(json))).toEqual(
          comparable(requests[signal], request),
        )
      }),
      { numRuns: 100 },
    )
  })
})

const logs = (record: object): object => ({ resourceLogs: [{ scopeLogs: [{ logRecords: [{}, record] }] }] })
const firstPoint = (json: object): object => {
  const request = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ gauge: { dataPoints: [json] } }] }] }] }
  return decoded('metrics', request).resourceMetrics[0].scopeMetrics[0].metrics[0].gauge.dataPoints[0]
}
function decoded(signal: Signal, json: object): any {
  const type = requests[signal]
  return type.toObject(type.decode(new JsonReader(signal).request(json)), { longs: String })
}

test('JsonReader reads an integer of 64 bits when it is a text, a number, or a bigint', () => {
  for (const value of ['-9223372036854775808', '9223372036854775807', '-1', '0', '4294967296'])
    for (const asInt of [value, BigInt(value)]) expect(firstPoint({ asInt })).toEqual({ asInt: value })
  expect(firstPoint({ asInt: -7, timeUnixNano: 18_446_744_073_709_551_615n })).toEqual({
    asInt: '-7',
    timeUnixNano: '18446744073709551615',
  })
  expect(firstPoint({ timeUnixNano: 1e18 })).toEqual({ timeUnixNano: '1000000000000000000' })
})

test('JsonReader reads NaN and infinities when they are texts', () => {
  for (const [text, asDouble] of [
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['1.5', 1.5],
  ])
    expect(firstPoint({ asDouble: text })).toEqual({ asDouble })
})

test('JsonReader reads bytes when they are in either alphabet of base64', () => {
  const bytes = (bytesValue: string): string => {
    const request = decoded('logs', logs({ body: { bytesValue } }))
    return request.resourceLogs[0].scopeLogs[0].logRecords[1].body.bytesValue.toString('hex')
  }
  expect([bytes('+/8='), bytes('-_8'), bytes('')]).toEqual(['fbff', 'fbff', ''])
})

test('JsonReader leaves a field out when it is unknown or null', () => {
  const record = { severityText: 'INFO', time_unix_nano: '1', traceId: null, attributes: null, future: {} }
  const request = new JsonReader('logs').request({ ...logs(record), unknown: 1 })
  expect(JSON.parse(new JsonWriter('logs').line(request).toString())).toEqual(logs({ severityText: 'INFO' }))
})

test('JsonReader names the path of a field and not its text when the field is malformed', () => {
  const problems: [object, string][] = [
    [
      { severityNumber: 'SEVERITY_NUMBER_INFO' },
      'severityNumber must be a whole number from 0 to 4294967295, not a text of 20 characters',
    ],
    [{ severityNumber: -1 }, 'severityNumber must be a whole number from 0 to 4294967295, not -1'],
    [{ traceId: 'abc' }, 'traceId must be 32 hex digits, not a text of 3 characters'],
    [
      { body: { bytesValue: 'AAAAA' } },
      'body.bytesValue must be a text in base64, not a text of 5 characters',
    ],
    [{ spanId: 'zzzzzzzzzzzzzzzz' }, 'spanId must be 16 hex digits, not a text of 16 characters'],
    [
      { timeUnixNano: '1.5' },
      'timeUnixNano must be a whole number from 0 to 18446744073709551615, not a text of 3 characters',
    ],
    [
      { timeUnixNano: '18446744073709551616' },
      'timeUnixNano must be a whole number from 0 to 18446744073709551615, not a text of 20 characters',
    ],
    [{ severityText: 9 }, 'severityText must be a text, not 9'],
    [{ attributes: {} }, 'attributes must be an array, not an object'],
    [{ attributes: [{ key: 'a' }, null] }, 'attributes[1] must be an object, not null'],
    [
      { attributes: [{ key: 'a', value: { intValue: '1e3' } }] },
      'attributes[0].value.intValue must be a whole number from -9223372036854775808 to 9223372036854775807, not a text of 3 characters',
    ],
    [
      { body: { arrayValue: { values: [{}, { bytesValue: '*' }] } } },
      'body.arrayValue.values[1].bytesValue must be a text in base64, not a text of 1 character',
    ],
    [{ body: { boolValue: 'true' } }, 'body.boolValue must be true or false, not a text of 4 characters'],
    [{ body: { doubleValue: 'many' } }, 'body.doubleValue must be a number, not a text of 4 characters'],
  ]
  const reader = new JsonReader('logs')
  const messages = problems.map(([record]) => {
    try {
      return String(reader.request(logs(record)))
    } catch (error) {
      return (error as Error).message.replace('resourceLogs[0].scopeLogs[0].logRecords[1].', '')
    }
  })
  expect(messages).toEqual(problems.map(([, problem]) => problem))
  expect(() => reader.request([])).toThrow('the request must be an object, not an array')
})

test('JsonReader refuses a value when it has a depth that no receiver reads', () => {
  let value: object = { stringValue: 'x' }
  for (let depth = 0; depth < 100_000; depth += 1) value = { arrayValue: { values: [value] } }
  expect(() => new JsonReader('logs').request(logs({ body: value }))).toThrow(
    /must be a value of at most 64 levels/,
  )
})

/** Reverses the order of all fields. */
function reversed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(reversed)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json)
      .toReversed()
      .map(([key, value]) => [key, reversed(value)]),
  )
}

/** Replaces one part of JSON. */
function withAnother(json: unknown, seed: number, other: unknown): unknown {
  let parts = 0
  const copy = (part: unknown, at = -1): unknown => {
    parts += 1
    if (parts === at) return other
    if (Array.isArray(part)) return part.map((each) => copy(each, at))
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, copy(value, at)]))
  }
  copy(json)
  const at = (seed % parts) + 1
  parts = 0
  return copy(json, at)
}
