import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { LARGE_QUEUE, startSdk } from './pipelines.js'

/** The official SDK 3.x with an instrumentation of a library, which must not have been loaded yet. */
export async function startInstrumented(url, instrumentation) {
  const pipeline = await startSdk(url, LARGE_QUEUE)
  registerInstrumentations({ instrumentations: [instrumentation] })
  return pipeline
}
