import { parseObject } from '@logbridge/bridge/internal'
import { parseIsoTime } from '../time.ts'
import type { TimeZone } from '../timeZone.ts'
import type { WrappedLine } from './wrapper.ts'

const START = '{"log":"'

/**
 * Unwraps a line of Docker's `json-file` driver: `{"log":"hello\n","stream":"stdout","time":"2026-11-29T10:00:00.000000001Z"}`.
 * A `log` without a line break is the part of a longer line. https://docs.docker.com/engine/logging/drivers/json-file/
 *
 * @returns `undefined` for any other line
 */
export function unwrapDocker(text: string, zone: TimeZone): WrappedLine | undefined {
  if (!text.startsWith(START)) return undefined
  const fields = parseObject(text)
  if (fields === undefined) return undefined
  const { log, stream, time, ...rest } = fields
  if (typeof log !== 'string' || (stream !== 'stdout' && stream !== 'stderr') || typeof time !== 'string')
    return undefined
  const isPartial = !log.endsWith('\n')
  const attributes = Object.keys(rest).length > 0 ? rest : undefined
  const line = isPartial ? log : log.slice(0, log.endsWith('\r\n') ? -2 : -1)
  return { line, stream, time: parseIsoTime(time, zone), isPartial, prefixLength: undefined, attributes }
}
