/** Node.js's own, also where the application puts a fake one in its place. */
const { bigint } = process.hrtime

/** Milliseconds of a clock that all threads of a process share; that of `performance` begins anew in each. */
export function now(): number {
  return Number(bigint()) / 1e6
}
