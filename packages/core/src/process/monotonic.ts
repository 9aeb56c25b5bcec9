/** The function of Node.js itself, because an application may replace it by a fake one in a test. */
const { bigint } = process.hrtime

/**
 * Reads a clock that all threads of a process share, in milliseconds. `performance.now()` starts at 0 in each thread.
 */
export function now(): number {
  return Number(bigint()) / 1e6
}
