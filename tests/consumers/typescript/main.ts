// Uses what our packages export as types, and sends what `logByEach` logs.
import { type Adapter, type BridgeOptions, createBridge } from '@logbridge/bridge'
import { conformance, type Subject } from '@logbridge/bridge/conformance'
import { otelStream as bunyanStream, type OtelStreamOptions } from '@logbridge/bunyan'
import { bridgeConsole, type BridgeConsoleOptions } from '@logbridge/console'
import { LogbridgeError, startTelemetry, type Telemetry, type TelemetryOptions } from '@logbridge/core'
import { otelAppender, type OtelAppenderConfig } from '@logbridge/log4js'
import { otelStream as pinoStream, traceContext, type TransportOptions } from '@logbridge/pino'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { contribSyslogSeverity, OtelTransport } from '@logbridge/winston'
import bunyan from 'bunyan'
import log4js from 'log4js'
import { pino } from 'pino'
import winston from 'winston'
import { logByEach } from './logByEach.js'

const options: TelemetryOptions = { logs: { minimumSeverity: 9 }, metrics: false }
const telemetry: Telemetry = startTelemetry(options)
logByEach()
void telemetry.forceFlush()

try {
  startTelemetry(options)
} catch (error) {
  if (!(error instanceof LogbridgeError) || error.code !== 'ALREADY_STARTED') throw error
}

/** Passes the results of the adapters to functions of each library, to check their types. */
export function fit(loggerProvider: Telemetry['loggerProvider']): object[] {
  const forBunyan: OtelStreamOptions = { level: 'warn', severity: { warn: 14 } }
  const forConsole: BridgeConsoleOptions = { level: 'warn', loggerProvider }
  const forPino: TransportOptions = { serviceName: 'shop', redact: ['user.password'] }
  const byName = { type: '@logbridge/log4js', level: 'info' } satisfies OtelAppenderConfig
  const byFunction = { type: otelAppender({ loggerProvider }) }
  bridgeConsole(forConsole)()
  return [
    bunyan.createLogger({ name: 'shop', streams: [bunyanStream(forBunyan)] }),
    log4js.configure({
      appenders: { byName, byFunction },
      categories: { default: { appenders: ['byName'], level: 'info' } },
    }),
    pino(traceContext({ level: 'info' }), pinoStream({ loggerProvider })),
    pino({ transport: { target: '@logbridge/pino', options: forPino } }),
    winston.createLogger({ transports: [new OtelTransport({ severity: contribSyslogSeverity })] }),
  ]
}

/** Third-party adapter. */
const adapter: Adapter<string> = {
  library: 'own',
  classify: () => ({ severityNumber: 9 }),
  convert: (body) => ({ body }),
}
export const own = (options: BridgeOptions): void => createBridge(adapter, options).emit('hello')
export const suite: (subject: Subject) => void = (subject) => conformance(() => {}, subject)
export const receive = async (): Promise<void> => {
  const viewer = await startViewer({ grpcPort: 0 })
  viewer.on('logs', (records: ReceivedLogRecord[]) => records.map(({ severityText }) => severityText))
}
