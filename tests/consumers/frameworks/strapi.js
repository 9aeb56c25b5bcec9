// Strapi's logger has its own winston, and a format that appends the stack to the message.
import { startTelemetry } from '@logbridge/core'
import { OtelTransport } from '@logbridge/winston'
import { createLogger, formats, winston } from '@strapi/logger'

const telemetry = startTelemetry()
const logger = createLogger({
  format: winston.format.combine(
    formats.prettyPrint({ colors: false, timestamps: false }),
    winston.format.json(),
  ),
  transports: [new winston.transports.Console(), new OtelTransport()],
})
logger.info('order found')
logger.warn('order is late', { order: 7 })
logger.error(new RangeError('no stock'))
await telemetry.shutdown()
