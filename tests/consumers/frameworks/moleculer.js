// moleculer copies the options of its bunyan logger, streams included.
import { otelStream } from '@logbridge/bunyan'
import { startTelemetry } from '@logbridge/core'
import { ServiceBroker } from 'moleculer'

const telemetry = startTelemetry()
const streams = [{ stream: process.stdout }, otelStream()]
const broker = new ServiceBroker({
  nodeID: 'shop',
  logger: { type: 'Bunyan', options: { bunyan: { name: 'shop', streams } } },
})
broker.createService({
  name: 'orders',
  actions: {
    find(context) {
      this.logger.warn({ order: context.params.id }, 'order is late')
      this.logger.error(new RangeError('no stock'))
    },
  },
})
await broker.start()
await broker.call('orders.find', { id: 7 })
await broker.stop()
await telemetry.shutdown()
