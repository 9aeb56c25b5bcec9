/** Adds the adapter to an application with an SDK. The adapter finds the SDK's LoggerProvider, so the SDK exports the logs. */
import { OtelTransport } from '@logbridge/winston'
import { trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import winston from 'winston'

// The SDK reads the OTEL_* variables. By default it exports over HTTP to http://localhost:4318.
const sdk = new NodeSDK({ serviceName: 'existing-sdk-adapter' })
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
