import { timers, unref, warnOnce } from '@logbridge/bridge/internal'

/** Time limit for a resource detector. Detectors read files, run commands, or query a metadata service. */
const DETECTION_TIMEOUT_MILLIS = 5000

/** Pending value of a resource detector. */
interface Detection<Value> {
  /** Resolves to `undefined` when the value is not found, or not in time. Never rejects. */
  readonly over: Promise<Value | undefined>
  /** Resolves `over` with `undefined` now. */
  stopWaiting(): void
}

/** Waits at most 5 seconds for a value of a resource detector. Warns when the time is over. */
export function withinDetection<Value>(found: Promise<Value> | undefined): Detection<Value> {
  const { promise, resolve } = Promise.withResolvers<Value | undefined>()
  const end = (value?: Value): void => {
    timers.clearTimeout(timer)
    resolve(value)
  }
  const stopWaiting = (): void => end()
  const timer = unref(
    timers.setTimeout(() => {
      warnOnce(
        'resource-detector',
        'a resource detector did not end within 5 s: telemetry is sent without its attributes',
      )
      stopWaiting()
    }, DETECTION_TIMEOUT_MILLIS),
  )
  Promise.resolve(found).then(end, stopWaiting)
  return { over: promise, stopWaiting }
}
