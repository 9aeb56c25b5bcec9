import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import { createLoggerProvider } from '@logbridge/core'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { createSubjects } from './subjects.ts'

const DETAILS = {
  scopeVersion: '1.2.3',
  scopeSchemaUrl: 'https://opentelemetry.io/schemas/1.38.0',
  scopeAttributes: { team: 'checkout', shard: 7 },
}

describe.each(createSubjects({ winston, pino, bunyan, log4js, console }))('$library', (subject) => {
  const [info] = Object.entries(subject.levels).find(([, severityNumber]) => severityNumber === 9)!

  test('adapter gives version, schema URL, and attributes to its scopes when the options have them', async () => {
    const exporter = new InMemoryLogRecordExporter()
    const loggerProvider = new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter })] })
    const logger = await subject.create({ ...DETAILS, loggerProvider })
    logger.log(info, 'order placed')
    await logger.close?.()
    const [record] = exporter.getFinishedLogRecords()
    expect(record!.instrumentationScope).toMatchObject({
      version: DETAILS.scopeVersion,
      schemaUrl: DETAILS.scopeSchemaUrl,
      attributes: DETAILS.scopeAttributes,
    })
    expect(record!.instrumentationScope.name).not.toBe('')
  })

  test.each(['scopeVersion', 'scopeSchemaUrl', 'scopeAttributes'])(
    'adapter throws INVALID_OPTION when the option %s is invalid',
    async (name) => {
      await expect(async () => await subject.create({ [name]: 5 })).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringContaining(`option ${name} is 5`),
      })
    },
  )
})

test('createBridge gives the scope its details when a provider is registered after the record', async () => {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  onTestFinished(() => viewer.close())
  const received: ReceivedLogRecord[] = []
  viewer.on('logs', (records) => received.push(...records))
  const [subject] = createSubjects({ winston, pino, bunyan, log4js, console })
  const logger = await subject!.create(DETAILS)
  logger.log('info', 'order placed')
  const provider = createLoggerProvider({ endpoint: viewer.grpcUrl })
  await provider.shutdown()
  expect(received[0]!.scope).toMatchObject({ version: '1.2.3', attributes: { team: 'checkout', shard: 7 } })
})
