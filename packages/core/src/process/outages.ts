import { isAbsolute } from 'node:path'
import { warn } from '@logbridge/bridge/internal'
import { announceLoss, describeUnsent, shownSeconds, type Unsent } from './longWait.ts'

/** Shortest time between two reports of an outage of one endpoint, because a receiver may come and go each second. In milliseconds. */
const QUIET_MILLIS = 10_000

/** Failure of an attempt. */
interface Failure {
  readonly reason: string
  /** Settings to change; omitted: general advice. */
  readonly advice?: string | undefined
}

/** Receiver of one signal, whose outages are reported together with those of the other signals that are sent to the endpoint. */
export interface Receiver {
  /** True while the export fails and the line about the outage has been written. */
  readonly isOutageReported: boolean
  /** True while the line about the outage says that unsent telemetry is about to be dropped, because the process or the provider ends. */
  readonly isLossReported: boolean
  /**
   * Notes an attempt that failed after an earlier one of the same request. One failure alone is no outage, because a restart of a
   * receiver fails once.
   *
   * @param since `performance.now()` of the first failure
   */
  onFailure(failure: Failure, since: number): void
  /** Notes a delivered request. */
  onDelivered(): void
  /** Ends the part of this signal in an outage. */
  close(): void
}

/** Failing exports to one endpoint. */
interface Outage {
  readonly failing: Set<Receiver>
  begunAt: number
  reportedAt: number
  isReported: boolean
  isLossReported: boolean
  /** Telemetry that had waited when its signal was delivered again. */
  waited: Unsent[]
}

/** Outages by endpoint. An ESM and a CommonJS copy of this module share them, because both send to one receiver. */
const KEY = Symbol.for('logbridge.outages.1')
const shared = globalThis as { [KEY]?: Map<string, Outage> }
const outages = (shared[KEY] ??= new Map())

/**
 * Watches the exports of one signal. One line reports the beginning of an outage, and one line its end, for all signals that are sent to the
 * endpoint. A receiver that comes and goes is reported every 10 s at most.
 *
 * @param endpoint the receiver, without secrets
 * @param unsent telemetry that waits for the receiver
 */
export function watchReceiver(endpoint: string, unsent?: () => Unsent): Receiver {
  let outage = outages.get(endpoint)
  if (outage === undefined) {
    outage = {
      failing: new Set(),
      begunAt: 0,
      reportedAt: -Infinity,
      isReported: false,
      isLossReported: false,
      waited: [],
    }
    outages.set(endpoint, outage)
  }
  const { failing } = outage
  const receiver: Receiver = {
    get isOutageReported() {
      return outage.isReported
    },
    get isLossReported() {
      return outage.isLossReported
    },
    onFailure({ reason, advice = adviceFor(endpoint) }, since) {
      if (failing.size === 0) begin(outage, since)
      failing.add(receiver)
      const time = performance.now()
      if (outage.isReported || time - outage.reportedAt < QUIET_MILLIS) return
      outage.isReported = true
      outage.reportedAt = time
      const loss = announceLoss(endpoint)
      outage.isLossReported = loss !== undefined
      const state = loss === undefined ? 'retrying with backoff' : loss
      warn(`export to ${endpoint} failed, ${state} (${advice})`, reason)
    },
    onDelivered() {
      if (!failing.delete(receiver)) return
      if (unsent) outage.waited.push(unsent())
      if (failing.size > 0) return
      const { isReported, waited } = outage
      const millis = performance.now() - outage.begunAt
      begin(outage, 0)
      if (!isReported) return
      const sending = describeUnsent(waited)
      warn(
        `export to ${endpoint} succeeds again after ${shownSeconds(millis)}${sending && `, sending ${sending}`}`,
      )
    },
    close() {
      failing.delete(receiver)
    },
  }
  return receiver
}

function begin(outage: Outage, since: number): void {
  outage.begunAt = since
  outage.isReported = false
  outage.isLossReported = false
  outage.waited = []
}

/** Advises on a receiver that does not answer, and on a file or stdout that takes no line. */
export function adviceFor(endpoint: string): string {
  if (endpoint === 'stdout') return 'check the program that reads it, or the free space of its file'
  // Paths of files are absolute.
  if (isAbsolute(endpoint)) return 'check its folder, the permissions, and the free space'
  const another = 'set the option endpoint or OTEL_EXPORTER_OTLP_ENDPOINT'
  // A URL without a port means 443 or 80, on which a receiver seldom listens.
  if (/^https?:\/\/(?:[^:[]+|\[[^\]]*\])$/i.test(endpoint))
    return `${another} with a port, which is 4317 for gRPC and 4318 for HTTP by default`
  const isLocal = /^(https?:\/\/)?(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(endpoint)
  return isLocal
    ? `start a receiver, e.g. npx @logbridge/viewer; for another one ${another}`
    : `for another receiver ${another}`
}
