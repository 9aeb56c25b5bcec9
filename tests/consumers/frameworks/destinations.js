// Destinations that print each record as JSON to stdout, and send it.
import { otelStream } from '@logbridge/pino'
import { OtelTransport } from '@logbridge/winston'
import { pino } from 'pino'
import winston from 'winston'

export function createPinoStream() {
  return pino.multistream([
    { level: 'trace', stream: process.stdout },
    { level: 'trace', stream: otelStream() },
  ])
}

export function createTransports() {
  return [new winston.transports.Console(), new OtelTransport()]
}
