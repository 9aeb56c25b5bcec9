import * as bunyan from '@logbridge/bunyan'
import * as console from '@logbridge/console'
import * as log4js from '@logbridge/log4js'
import * as pino from '@logbridge/pino'
import * as winston from '@logbridge/winston'
import { OTLPLogExporter as Grpc } from '@opentelemetry/exporter-logs-otlp-grpc'
import { OTLPLogExporter as Json } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPLogExporter as Protobuf } from '@opentelemetry/exporter-logs-otlp-proto'
import * as sdk from '@opentelemetry/sdk-logs'
import { officialSdk } from '@logbridge/test-support/officialSdk'
import { createSubjects } from '../subjects.ts'

const exporters = { grpc: Grpc, 'http/protobuf': Protobuf, 'http/json': Json }

officialSdk(sdk, exporters, createSubjects({ winston, pino, bunyan, log4js, console }))
