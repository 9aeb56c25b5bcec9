// Calls the handler, like Lambda's Node.js runtime.
import { handler } from './handler.js'

const TIMEOUT_MILLIS = 3000

process.on('message', async ({ event, awsRequestId }) => {
  const deadline = performance.now() + TIMEOUT_MILLIS
  const context = { awsRequestId, getRemainingTimeInMillis: () => deadline - performance.now() }
  process.send(await handler(event, context))
})
