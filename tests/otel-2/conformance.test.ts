import { conformance } from '@logbridge/bridge/conformance'
import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import * as sdk from '@opentelemetry/sdk-logs'
import { describe, test } from 'vitest'
import { sdkBackend } from '@logbridge/test-support/sdkBackend'
import { createOldestSubjects, createSubjects } from '../subjects.ts'

const backend = sdkBackend('SDK 2.x', sdk)

const adapters = { winston, pino, bunyan, log4js, console }
const subjects = [...createSubjects(adapters), ...createOldestSubjects(adapters)]
describe.each(subjects)('$library', (subject) => conformance(test, subject, backend))
