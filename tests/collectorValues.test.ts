import { createLoggerProvider } from '@logbridge/core'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { comparable, named, finalize } from '@logbridge/test-support/expected'
import { attributes, text, value } from '@logbridge/test-support/values'
import { NOTHING } from '@logbridge/test-support/stats'

// Any values through an OpenTelemetry Collector, compared as the Collector forwards them.

const program = findCollector()
const RECORDS = 400

describe.skipIf(program === undefined)('Collector', () => {
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string)
  })
  afterAll(() => collector?.stop())

  test('decodes the expected values when records have any values, names, and texts', async () => {
    const provider = createLoggerProvider({
      endpoint: collector.grpcUrl,
      register: false,
      maxExportBatchSize: 100,
    })
    const logger = provider.getLogger('any')
    const samples = fc.sample(fc.tuple(value, attributes(), text), RECORDS)
    const expected = samples.map(([makeBody, makeFields, words], index) => {
      const [body, bodyExpected] = makeBody()
      const [fields, entries] = makeFields()
      Object.assign(fields, { index })
      const log = { body, attributes: fields, severityText: words, eventName: words }
      logger.emit(log as Parameters<typeof logger.emit>[0])
      return {
        body: finalize(bodyExpected),
        attributes: finalize(named([...entries, ['index', index]], '[empty]')),
        severityText: words.toWellFormed(),
        eventName: words.toWellFormed(),
      }
    })
    await provider.shutdown()
    expect(provider.stats()).toMatchObject({
      created: RECORDS,
      delivered: RECORDS,
      rejected: 0,
      dropped: NOTHING,
    })

    const arrived = (): any[] =>
      collector.received.resourceLogs.flatMap(({ scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }: any) => logRecords),
      )
    await vi.waitFor(() => expect(arrived()).toHaveLength(RECORDS))
    const decoded = arrived().map((record) => ({
      body: fromJson(record.body ?? {}),
      attributes: fromFields(record.attributes),
      severityText: record.severityText ?? '',
      eventName: record.eventName ?? '',
    }))
    const order = (record: { attributes: unknown }): number =>
      (record.attributes as Map<string, number>).get('index')!
    // Records are compared one by one, because the difference of all records would fill pages.
    for (const record of decoded) expect(record).toEqual(expected[order(record)])
    expect(new Set(decoded.map(order)).size).toBe(RECORDS)
  })
})

/** Converts an AnyValue of OTLP/JSON to the form of `comparable`. */
function fromJson(any: any): unknown {
  const [kind, content] = Object.entries<any>(any)[0] ?? ['emptyValue']
  switch (kind) {
    case 'emptyValue':
      return null
    case 'intValue':
      return comparable(BigInt(content))
    case 'doubleValue':
      return Number(content)
    case 'bytesValue':
      return new Uint8Array(Buffer.from(content, 'base64'))
    case 'arrayValue':
      return (content.values ?? []).map(fromJson)
    case 'kvlistValue':
      return fromFields(content.values)
    default:
      return content
  }
}

function fromFields(fields: readonly { key?: string; value?: unknown }[] = []): Map<string, unknown> {
  const map = new Map(fields.map(({ key = '', value: any }) => [key, fromJson(any ?? {})]))
  expect(map.size).toBe(fields.length)
  return map
}
