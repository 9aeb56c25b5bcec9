import { inspect } from 'node:util'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import { createLoggerProvider } from '@logbridge/core'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import * as winston from '@logbridge/winston'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { sdk3, stopReceiver, viewer, viewerBehindProcessor } from '@logbridge/test-support/backends'
import { inspectCustom } from '@logbridge/test-support/inspectCustom'
import { createSubjects } from './subjects.ts'

afterAll(stopReceiver)

const subjects = createSubjects({ winston, pino, bunyan, log4js, console })
inspectCustom(subjects, viewer)
inspectCustom(subjects, viewerBehindProcessor)
inspectCustom(subjects, sdk3)

test.each(subjects.filter(({ library }) => library === 'console' || library === 'log4js'))(
  '$library sends the inspected text of an object when it is logged before a provider exists',
  async ({ create, levels }) => {
    const logger = await create({})
    onTestFinished(() => logger.close())
    const info = Object.keys(levels).find((level) => levels[level] === 9)!
    const token = { value: 'hunter2', [inspect.custom]: () => '[secret]' }
    logger.log(info, 'login', { token })

    const receiver = await startViewer({ grpcPort: 0, httpPort: 0 })
    onTestFinished(() => receiver.close())
    const received: ReceivedLogRecord[] = []
    receiver.on('logs', (records) => void received.push(...records))
    const provider = createLoggerProvider({ endpoint: receiver.grpcUrl })
    await provider.shutdown()
    expect(received.map(({ attributes }) => attributes['token'])).toEqual(['[secret]'])
  },
)
