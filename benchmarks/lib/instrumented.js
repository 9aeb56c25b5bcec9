import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { LARGE_QUEUE, startSdk } from './pipelines.js'

/** Starts the official SDK 3.x with an instrumentation. Must run before the instrumented library is loaded. */
export async function startInstrumented(url, instrumentation) {
  const pipeline = await startSdk(url, LARGE_QUEUE)
  registerInstrumentations({ instrumentations: [instrumentation] })
  return pipeline
}
