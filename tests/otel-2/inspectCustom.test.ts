import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import * as sdk from '@opentelemetry/sdk-logs'
import { inspectCustom } from '../support/inspectCustom.ts'
import { sdkBackend } from '../support/sdkBackend.ts'
import { createSubjects } from '../support/subjects.ts'

inspectCustom(createSubjects({ winston, pino, bunyan, log4js, console }), sdkBackend('SDK 2.x', sdk))
