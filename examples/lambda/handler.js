import { flushOnFreeze, startTelemetry } from '@logbridge/core'
import { OtelTransport } from '@logbridge/winston'
import { trace } from '@opentelemetry/api'
import winston from 'winston'

startTelemetry({ serviceName: 'lambda-example' })

const logger = winston.createLogger({
  transports: [new winston.transports.Console(), new OtelTransport()],
})

export const handler = flushOnFreeze(async (event, context) =>
  trace.getTracer('example').startActiveSpan('order', (span) => {
    logger.info('order received', { order: event.order, request: context.awsRequestId })
    span.end()
    return { statusCode: 202, body: event.order }
  }),
)
