import { parseIsoTime } from '../time.ts'
import type { TimeZone } from '../timeZone.ts'
import type { WrappedLine } from './wrapper.ts'

/** Time, stream, and tags, of which the first is `F` for a full line and `P` for a part. */
const PREFIX = /^(\d{4}-\S{15,40}) (stdout|stderr) ([FP])(?::\S*)? /

/**
 * Unwraps a line of a Kubernetes container, in the format of CRI: `2026-11-29T10:00:00.000000001Z stdout F hello`.
 * https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
 *
 * @returns `undefined` for any other line
 */
export function unwrapCri(text: string, zone: TimeZone): WrappedLine | undefined {
  const found = PREFIX.exec(text)
  if (found === null) return undefined
  const time = parseIsoTime(found[1]!, zone)
  if (time === undefined) return undefined
  return {
    line: text.slice(found[0].length),
    stream: found[2] as 'stdout' | 'stderr',
    time,
    isPartial: found[3] === 'P',
    prefixLength: found[0].length,
    attributes: undefined,
  }
}
