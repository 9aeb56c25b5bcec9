import { conformance } from '@logbridge/bridge/conformance'
import { afterAll, describe, test } from 'vitest'
import { subject as bunyan } from '../packages/bunyan/test/subject.ts'
import { subject as console } from '../packages/console/test/subject.ts'
import { subject as log4js } from '../packages/log4js/test/subject.ts'
import { subject as pino } from '../packages/pino/test/subject.ts'
import { subject as winston } from '../packages/winston/test/subject.ts'
import { sdk3, stopReceiver, viewer } from './support/backends.ts'

afterAll(stopReceiver)

describe.each([winston, pino, bunyan, log4js, console])('$library', (subject) => {
  conformance(test, subject, sdk3)
  conformance(test, subject, viewer)
})
