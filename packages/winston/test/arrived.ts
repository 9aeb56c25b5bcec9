import winston from 'winston'
import { type ConformanceRecord, memoryBackend } from '@logbridge/bridge/conformance'
import { OtelTransport, type OtelTransportOptions } from '../src/index.ts'

/** Runs code with a real logger whose only transport is an OtelTransport. @returns the records that arrive */
export async function arrived(
  run: (logger: winston.Logger) => void,
  loggerOptions: winston.LoggerOptions = {},
  options: OtelTransportOptions = {},
): Promise<ConformanceRecord[]> {
  const session = await memoryBackend.start()
  const transports = [new OtelTransport({ loggerProvider: session.loggerProvider, ...options })]
  run(winston.createLogger({ level: 'silly', ...loggerOptions, transports }))
  return session.records()
}

/** Runs code that logs one record. @returns the record */
export async function arrivedOne(...args: Parameters<typeof arrived>): Promise<ConformanceRecord> {
  const records = await arrived(...args)
  if (records.length !== 1) throw new Error(`${records.length} records arrived`)
  return records[0]!
}
