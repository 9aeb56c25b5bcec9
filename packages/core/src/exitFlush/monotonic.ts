/** Milliseconds of a clock that all threads of a process share; that of `performance` begins anew in each. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
