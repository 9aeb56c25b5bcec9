import { conformance } from '@logbridge/bridge/conformance'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import { afterAll, describe, test } from 'vitest'
import { stopReceiver, viewer } from '@logbridge/test-support/backends'
import { createOldestSubjects, createSubjects } from './subjects.ts'

afterAll(stopReceiver)

const adapters = { winston, pino, bunyan, log4js, console }
const subjects = [...createSubjects(adapters), ...createOldestSubjects(adapters)]
describe.each(subjects)('$library', (subject) => conformance(test, subject, viewer))
