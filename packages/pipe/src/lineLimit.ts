/** Longest line of OTLP. JSON takes two to three times the 4 MiB that receivers accept in a request. */
const MAX_OTLP_BYTES = 16 * 1024 * 1024
/** Beginning of each line of OTLP, as encoders write it. */
const OTLP_START = Buffer.from('{"resource')

/**
 * Returns the number of bytes that a line may have.
 *
 * @param line the line, or its first bytes, as `startOf` returns them
 */
export function lineLimit(line: Buffer, maxLineBytes: number): number {
  const isOtlp = line.subarray(0, OTLP_START.length).equals(OTLP_START)
  return isOtlp ? Math.max(maxLineBytes, MAX_OTLP_BYTES) : maxLineBytes
}

/** Returns the first bytes of the parts of a line, as many as `lineLimit` reads. */
export function startOf(parts: readonly Buffer[]): Buffer {
  const [first = Buffer.alloc(0)] = parts
  return first.length >= OTLP_START.length ? first : Buffer.concat(parts, OTLP_START.length)
}
