// Starts the official NodeSDK by the variables of OpenTelemetry.
import { NodeSDK } from '@opentelemetry/sdk-node'

const sdk = new NodeSDK()
sdk.start()
process.once('beforeExit', () => sdk.shutdown())
