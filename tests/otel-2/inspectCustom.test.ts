import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import * as sdk from '@opentelemetry/sdk-logs'
import { inspectCustom } from '@logbridge/test-support/inspectCustom'
import { sdkBackend } from '@logbridge/test-support/sdkBackend'
import { createSubjects } from '../subjects.ts'

inspectCustom(createSubjects({ winston, pino, bunyan, log4js, console }), sdkBackend('SDK 2.x', sdk))
