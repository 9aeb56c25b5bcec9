/** Messages that are equal but for digits, ids, and quoted parts. */
export interface Pattern {
  pattern: string
  count: number
  /** Highest severity number. */
  severity: number
  /** Nanoseconds since the epoch of the first and the last record. */
  first: string
  last: string
  /** Id of the newest record. */
  example: number
}

/** Parts of a message that vary: quoted text, UUIDs, long hex, numbers. Each takes linear time. */
const VARIABLE =
  /"[^"]*"|'[^'\s]*'|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b|\d+(?:[.,:]\d+)*/gi
const MAX_PATTERN_CHARACTERS = 200

/**
 * Groups messages by pattern, the most frequent first.
 *
 * @param rows records, newest first
 */
export function findPatterns(
  rows: Iterable<{ id: number; time: string; severity: number; body: string }>,
): Pattern[] {
  const byPattern = new Map<string, Pattern>()
  for (const { id, time, severity, body } of rows) {
    const pattern = patternOf(body)
    const found = byPattern.get(pattern)
    if (found === undefined) {
      byPattern.set(pattern, { pattern, count: 1, severity, first: time, last: time, example: id })
    } else {
      found.count += 1
      found.severity = Math.max(found.severity, severity)
      found.first = time
    }
  }
  return [...byPattern.values()].sort((a, b) => b.count - a.count)
}

function patternOf(body: string): string {
  const text = body.startsWith('"') ? (JSON.parse(body) as string) : body
  return text.slice(0, MAX_PATTERN_CHARACTERS).replaceAll(VARIABLE, '…')
}
