import type { Subject } from '@logbridge/bridge/conformance'
import { type ReceivedLogRecord, startViewer, type Viewer } from '@logbridge/viewer'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sdk } from './sdkBackend.ts'

/** Used part of `@opentelemetry/sdk-logs`, typed by shape so that SDK 2.x and 3.x fit. */
interface OfficialSdk extends Sdk {
  BatchLogRecordProcessor: new (options: { exporter: any }) => object
  createLoggerConfigurator(patterns: { pattern: string; config: { minimumSeverity: number } }[]): any
  LoggerProvider: new (options: {
    processors: any[]
    logRecordLimits?: { attributeCountLimit: number }
    loggerConfigurator?: any
  }) => InstanceType<Sdk['LoggerProvider']>
}

/** OTLP log exporters, by protocol. */
type Exporters = Record<'grpc' | 'http/protobuf' | 'http/json', new (options: { url: string }) => object>

/** Tests each adapter with the processors, exporters, and settings of an SDK. */
export function officialSdk(sdk: OfficialSdk, exporters: Exporters, subjects: readonly Subject[]): void {
  const cases = Object.entries(exporters).flatMap(([protocol, Exporter]) =>
    (['SimpleLogRecordProcessor', 'BatchLogRecordProcessor'] as const).map((name) => ({
      protocol,
      Exporter,
      name,
    })),
  )

  describe.each(cases)('$name, $protocol', ({ protocol, Exporter, name }) => {
    let viewer: Viewer
    beforeAll(async () => {
      viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    })
    afterAll(() => viewer.close())

    test.each(subjects)(
      '$library sends a record and an exception',
      async ({ create, levels, errorKey = 'error' }) => {
        const records: ReceivedLogRecord[] = []
        viewer.removeAllListeners('logs')
        viewer.on('logs', (received) => records.push(...received))
        const url = protocol === 'grpc' ? viewer.grpcUrl : `${viewer.httpUrl}/v1/logs`
        const loggerProvider = new sdk.LoggerProvider({
          processors: [new sdk[name]({ exporter: new Exporter({ url }) })],
        })
        const logger = await create({ loggerProvider })
        const fields = {
          user: 'ada',
          count: 7,
          share: 0.5,
          ok: true,
          list: [1, 'a', null, [2]],
          nested: { deep: { big: 2n ** 40n }, at: new Date(0) },
        }
        logger.log(infoOf(levels), 'hello', fields)
        logger.logErrorWith('failed', Object.assign(new TypeError('no'), { code: 'E_NO' }))
        await loggerProvider.shutdown()
        await logger.close()

        const [hello, failed] = records
        expect(records).toHaveLength(2)
        expect(hello).toMatchObject({ severityNumber: 9, body: 'hello' })
        expect(hello!.attributes).toMatchObject({
          ...fields,
          nested: { deep: { big: 2 ** 40 }, at: '1970-01-01T00:00:00.000Z' },
        })
        // winston appends the message of the Error.
        expect(failed).toMatchObject({ severityNumber: 17, body: expect.stringMatching(/^failed/) })
        expect(failed!.attributes).toMatchObject({
          'exception.type': 'TypeError',
          'exception.message': 'no',
          'exception.stacktrace': expect.stringMatching(/^TypeError: no\n {4}at /),
          ...(errorKey === '' ? { code: 'E_NO' } : { [errorKey]: { code: 'E_NO' } }),
        })
      },
    )
  })

  describe.each(subjects)('$library', ({ create, levels }) => {
    test('builds no record below the minimumSeverity of its scope', async () => {
      const { exporter, processor } = inMemory()
      const loggerProvider = new sdk.LoggerProvider({
        processors: [processor],
        loggerConfigurator: sdk.createLoggerConfigurator([{ pattern: '*', config: { minimumSeverity: 13 } }]),
      })
      const redacted: unknown[] = []
      const logger = await create({ loggerProvider, redact: ({ body }) => void redacted.push(body) })
      const names = Object.keys(levels)
      for (const level of names) logger.log(level, level)
      const enabled = names.filter((level) => levels[level]! >= 13)
      expect(bodies(exporter)).toEqual(enabled)
      expect(redacted).toEqual(enabled)
      await logger.close()
    })

    test('passes each record to every processor with the changes of earlier processors', async () => {
      const [first, second] = [inMemory(), inMemory()]
      const exporter = second.exporter
      const loggerProvider = new sdk.LoggerProvider({
        processors: [
          first.processor,
          onEmit((record) => record.setAttribute('tenant', 't-1').setBody('changed')),
          new sdk.BatchLogRecordProcessor({ exporter }),
        ],
      })
      const logger = await create({ loggerProvider })
      logger.log(infoOf(levels), 'hello', { user: 'ada' })
      await loggerProvider.forceFlush()
      expect(bodies(first.exporter)).toHaveLength(1)
      const [record] = exporter.getFinishedLogRecords()
      expect(record).toMatchObject({ body: 'changed', attributes: { user: 'ada', tenant: 't-1' } })
      await logger.close()
    })

    test('keeps exception attributes and counts dropped attributes when attributeCountLimit is reached', async () => {
      const { exporter, processor } = inMemory()
      const loggerProvider = new sdk.LoggerProvider({
        processors: [processor],
        logRecordLimits: { attributeCountLimit: 4 },
      })
      const attributes = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`static${n}`, n]))
      const logger = await create({ loggerProvider, attributes })
      logger.logErrorWith('failed', new TypeError('no'))
      const [record] = exporter.getFinishedLogRecords()
      expect(Object.keys(record!.attributes).slice(0, 3)).toEqual([
        'exception.type',
        'exception.message',
        'exception.stacktrace',
      ])
      expect(Object.keys(record!.attributes)).toHaveLength(4)
      expect(record!.droppedAttributesCount).toBeGreaterThanOrEqual(8)
      await logger.close()
    })

    test('ignores log calls without an error when the SDK is shut down', async () => {
      const seen: unknown[] = []
      const processors = [onEmit(({ body }) => seen.push(body))]
      const loggerProvider = new sdk.LoggerProvider({ processors })
      const errors: unknown[] = []
      const logger = await create({ loggerProvider, onError: (error) => errors.push(error) })
      logger.log(infoOf(levels), 'before')
      await loggerProvider.shutdown()
      logger.log(infoOf(levels), 'after')
      await logger.close()
      expect(seen).toEqual(['before'])
      expect(errors).toEqual([])
    })
  })

  function inMemory(): { exporter: InstanceType<Sdk['InMemoryLogRecordExporter']>; processor: object } {
    const exporter = new sdk.InMemoryLogRecordExporter()
    return { exporter, processor: new sdk.SimpleLogRecordProcessor({ exporter }) }
  }
}

/** Creates a processor that calls `change` with each record. */
export function onEmit(change: (record: any) => void): object {
  return { onEmit: change, forceFlush: async () => {}, shutdown: async () => {} }
}

function infoOf(levels: Subject['levels']): string {
  return Object.keys(levels).find((level) => levels[level] === 9)!
}

function bodies(exporter: { getFinishedLogRecords(): ReadableLogRecord[] }): unknown[] {
  return exporter.getFinishedLogRecords().map(({ body }) => body)
}
