// Worker of piscina.js. Returns what it logged, because a worker's stdout may end before it is read.
import { startTelemetry } from '@logbridge/core'
import { otelStream } from '@logbridge/pino'
import { pino } from 'pino'

const telemetry = startTelemetry()
let lines = ''
const stream = { write: (line) => void (lines += line) }
const log = pino({}, pino.multistream([{ stream }, { stream: otelStream() }]))

export default async function find(order) {
  lines = ''
  log.info({ order }, 'order found')
  if (order === 3) log.error({ order, err: new RangeError('no stock') }, 'order failed')
  const printed = lines
  await telemetry.forceFlush()
  return printed
}
