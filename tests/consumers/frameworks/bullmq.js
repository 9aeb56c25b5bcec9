// A worker of BullMQ logs its jobs by pino. REDIS_PORT has the port of Redis.
import { once } from 'node:events'
import { startTelemetry } from '@logbridge/core'
import { Queue, Worker } from 'bullmq'
import { pino } from 'pino'
import { createPinoStream } from './destinations.js'

const telemetry = startTelemetry()
const log = pino({}, createPinoStream())
const connection = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }
const queue = new Queue('orders', { connection })
const worker = new Worker(
  'orders',
  async ({ name, data }) => {
    log.info({ job: name, order: data.order }, 'job started')
    if (data.order === 7) throw new RangeError('no stock')
  },
  { connection },
)
worker.on('completed', ({ name }) => log.info({ job: name }, 'job completed'))
worker.on('failed', ({ name }, err) => log.error({ job: name, err }, 'job failed'))
const failed = once(worker, 'failed')
await queue.add('first', { order: 1 })
await queue.add('second', { order: 7 })
await failed
await worker.close()
await queue.close()
await telemetry.shutdown()
