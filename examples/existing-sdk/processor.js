/** Adds logbridge's processor to an application with an SDK: batches, retries, and limits for logs. */
import { OtlpLogRecordProcessor } from '@logbridge/core'
import { OtelTransport } from '@logbridge/winston'
import { trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import winston from 'winston'

// http/protobuf is the default of NodeSDK. The default of OtlpLogRecordProcessor is gRPC.
const processor = new OtlpLogRecordProcessor({ protocol: 'http/protobuf' })
const sdk = new NodeSDK({ serviceName: 'existing-sdk-processor', logRecordProcessors: [processor] })
sdk.start()

const logger = winston.createLogger({
  transports: [new winston.transports.Console(), new OtelTransport()],
})

trace.getTracer('example').startActiveSpan('checkout', (span) => {
  logger.warn('card is about to expire', { card: { last4: '0042', expires: '2027-01' } })
  logger.error('payment failed', new TypeError('amount is missing'))
  span.end()
})

await sdk.shutdown()
