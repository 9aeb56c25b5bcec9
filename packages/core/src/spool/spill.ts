import type { DiskQuota } from './diskQuota.ts'
import { isFull } from './files.ts'
import { ACK_BYTES, ENTRY_HEADER_BYTES, SEGMENT_HEADER_BYTES } from './format.ts'
import type { EntryLocation } from './segment.ts'
import type { SpoolRequest } from './types.ts'
import type { Writer } from './writer.ts'

/** Synchronous appends at the end of a process, to as few segments as hold the requests. */
export interface Spill {
  readonly quota: DiskQuota
  readonly writer: Writer
  /** Size at which the next segment is started. */
  readonly segmentBytes: number
}

/** Appends requests synchronously. @returns one entry for each request, `undefined` for those that did not fit */
export function spill(
  { quota, writer, segmentBytes }: Spill,
  requests: readonly SpoolRequest[],
): (EntryLocation | undefined)[] {
  const entries: (EntryLocation | undefined)[] = []
  for (let start = 0, end = 0; start < requests.length; start = end) {
    let bytes = SEGMENT_HEADER_BYTES
    while (end < requests.length) {
      bytes += spaceOf(requests[end]!)
      if (end > start && bytes > segmentBytes) break
      end += 1
    }
    entries.push(...spillSegment(quota, writer, requests.slice(start, end)))
  }
  return entries
}

/** Writes requests to one segment. When the disk is too full for all of them, tries each half. */
function spillSegment(
  quota: DiskQuota,
  writer: Writer,
  requests: readonly SpoolRequest[],
): (EntryLocation | undefined)[] {
  quota.reserveSync(requests.reduce((bytes, request) => bytes + spaceOf(request), 0))
  let before = 0
  const admitted = requests.filter((request) => {
    const isAdmitted = quota.hasSpace(request.bytes.length, before)
    if (isAdmitted) before += spaceOf(request)
    return isAdmitted
  })
  if (admitted.length === 0) return requests.map(() => undefined)
  try {
    const entries = writer.appendSync(admitted)
    if (admitted.length === requests.length) return entries
    const byRequest = new Map(admitted.map((request, index) => [request, entries[index]]))
    return requests.map((request) => byRequest.get(request))
  } catch (error) {
    quota.warnOfWrite(error)
    const half = requests.length >>> 1
    const first = isFull(error) && half > 0 ? spillSegment(quota, writer, requests.slice(0, half)) : []
    // Skip the second half when none of the first half fits.
    const isFirstKept = first.some((entry) => entry !== undefined)
    if (!isFirstKept) return requests.map(() => undefined)
    return [...first, ...spillSegment(quota, writer, requests.slice(half))]
  }
}

/** Computes the bytes that a request takes on disk, including the ack to come. */
export function spaceOf({ bytes }: SpoolRequest): number {
  return ENTRY_HEADER_BYTES + bytes.length + ACK_BYTES
}
