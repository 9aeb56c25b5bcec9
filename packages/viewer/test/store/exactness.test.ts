import * as fc from 'fast-check'
import type protobuf from 'protobufjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JsonWriter } from '../../../core/src/otlp/jsonWriter.ts'
import { messageOf, requests } from '../../../core/test/otlp/anyRequest.ts'
import { toProtobuf, type Signal } from '../../src/decode.ts'
import { importLines } from '../../src/store/importLines.ts'
import { openStore, type Store } from '../../src/store/store.ts'

const LIMIT = 4 * 2 ** 20

let store: Store
beforeAll(async () => {
  store = await openStore({ maxMessageBytes: LIMIT })
})
afterAll(() => store.close())

/** Builds requests that are not empty, because an empty line has no signal. */
function nonEmptyRequest(type: protobuf.Type): fc.Arbitrary<Record<string, unknown>> {
  return messageOf(type, 0).filter((message) => type.encode(type.fromObject(message)).finish().length > 0)
}

async function* toChunks(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

const KEYS = { logs: 'Logs', traces: 'Spans', metrics: 'Metrics' } as const
const RECORDS = { logs: 'logRecords', traces: 'spans', metrics: 'metrics' } as const

/** Lists the records of a request with their resource and scope, each data point of a metric as a record. */
function flatten(signal: Signal, bytes: Uint8Array): string[] {
  const type = requests[signal]
  const options = { longs: String, bytes: String, json: true }
  const request = type.toObject(type.decode(bytes), options)
  const records: string[] = []
  for (const { [`scope${KEYS[signal]}`]: scopes = [], ...resource } of list(
    request[`resource${KEYS[signal]}`],
  )) {
    for (const { [RECORDS[signal]]: children = [], ...scope } of list(scopes)) {
      for (const record of list(children)) {
        for (const each of signal === 'metrics' ? points(record) : [record]) {
          records.push(JSON.stringify([withoutEmpty(resource), withoutEmpty(scope), each]))
        }
      }
    }
  }
  return records
}

type Json = Record<string, unknown>

function list(value: unknown): Json[] {
  return (value ?? []) as Json[]
}

/** Leaves out a resource or scope without fields, which equals its absence. */
function withoutEmpty(container: Json): Json {
  return Object.fromEntries(
    Object.entries(container).filter(([, value]) => value !== '' && Object.keys(value as object).length > 0),
  )
}

function points(metric: Json): Json[] {
  const kinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
  const kind = kinds.find((name) => name in metric)
  if (kind === undefined) return [metric]
  const { dataPoints, ...data } = metric[kind] as Json
  return list(dataPoints).map((point) => ({ ...metric, [kind]: { ...data, dataPoints: [point] } }))
}

async function exported(signal: Signal): Promise<string[]> {
  const records: string[] = []
  let page = await store.read('exportPage', { signal })
  while (page.lines.length > 0) {
    for (const line of page.lines) {
      records.push(...flatten(signal, toProtobuf(signal, 'json', Buffer.from(line), LIMIT)))
    }
    page = await store.read('exportPage', { signal, after: page.last })
  }
  return records
}

describe('openStore', () => {
  /** Ways of a request into the store. */
  const ways = {
    'arrived when the request has': (signal, bytes) => store.write(signal, 'protobuf', bytes),
    'was imported when a line of the file exporter of @logbridge/core has': async (signal, bytes) => {
      const line = Buffer.from(new JsonWriter(signal).line(bytes))
      expect(await importLines(store, toChunks([line]))).toEqual({ lines: 1, failed: 0, firstError: '' })
    },
  } satisfies Record<string, (signal: Signal, bytes: Uint8Array) => Promise<unknown>>
  const signals = ['logs', 'traces', 'metrics'] as const
  const cases = Object.entries(ways).flatMap(([name, write]) =>
    signals.map((signal) => [name, signal, write] as const),
  )

  it.each(cases)('exports what %s any %s', async (_name, signal, write) => {
    const type = requests[signal]
    await fc.assert(
      fc.asyncProperty(nonEmptyRequest(type), async (message) => {
        await store.clear()
        const bytes = new Uint8Array(type.encode(type.fromObject(message)).finish())
        const sent = flatten(signal, bytes).filter(
          (record) => signal !== 'metrics' || record.includes('dataPoints'),
        )
        await write(signal, bytes)
        const found = await exported(signal)
        if (JSON.stringify(found) !== JSON.stringify(sent)) {
          throw new Error(`sent ${sent.join('\n')}\nexported ${found.join('\n')}`)
        }
      }),
      { numRuns: 100 },
    )
  })
})
