import { warnOnce, timers, unref } from '@logbridge/bridge/internal'

/** A detector asks files and commands of this machine, or a metadata service, which answer sooner or not at all. */
const DETECTION_MILLIS = 5000

/** Something that a resource detector looks for. */
interface Detection<Value> {
  /** Gives `undefined` when it cannot be found, or not in time; never rejects. */
  readonly over: Promise<Value | undefined>
  /** Ends it now. */
  stopWaiting(): void
}

/** Waits five seconds at most for what a resource detector looks for, and says when that is not enough. */
export function withinDetection<Value>(found: Promise<Value> | undefined): Detection<Value> {
  const { promise, resolve } = Promise.withResolvers<Value | undefined>()
  const end = (value?: Value): void => {
    timers.clearTimeout(timer)
    resolve(value)
  }
  const giveUp = (): void => end()
  const timer = unref(
    timers.setTimeout(() => {
      warnOnce(
        'resource-detector',
        'a resource detector has not ended within 5 s: telemetry is sent without the attributes that it looks for',
      )
      giveUp()
    }, DETECTION_MILLIS),
  )
  Promise.resolve(found).then(end, giveUp)
  return { over: promise, stopWaiting: giveUp }
}
