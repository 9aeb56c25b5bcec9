/**
 * Child process that measures log calls that send nothing: `disabled.js LIBRARY METHOD`. METHOD is `debug`, which is below the
 * level, or `log`, for which there is no LoggerProvider. Sends, for each of PROGRAMS, the nanoseconds of a call in each
 * alternation.
 */
import { measure } from 'mitata'

const [, , library, method] = process.argv
const PROGRAMS = ['bare', 'idle', 'unprovided']
/** Turns of each program in one process. Turns are short, so that a slow phase of the machine affects all programs. */
const ALTERNATIONS = 5
const NANOS = 5e7
/** Calls in one turn of the event loop. The turn includes work that the calls defer. */
const BURST = 100
/** Calls before the measurement, enough for V8's compiler on a busy machine. The first 1,000 fill the startup buffer. */
const WARM_UP = 50_000

const fields = { orderId: 7, customer: 'c-1042', total: 99.5, express: true }
const { programs } = await import(`../programs/${library}.js`)
const bursts = new Map()
for (const name of PROGRAMS) {
  const { [method]: call } = await programs[name].start()
  bursts.set(name, async () => {
    for (let i = 0; i < BURST; i += 1) call('order placed', fields)
    await new Promise(setImmediate)
  })
}

for (let i = 0; i < WARM_UP; i += BURST) for (const burst of bursts.values()) await burst()
const nanos = Object.fromEntries(PROGRAMS.map((name) => [name, []]))
for (let round = 0; round < ALTERNATIONS; round += 1) {
  for (const [name, burst] of bursts) {
    const { p25 } = await measure(burst, { min_cpu_time: NANOS })
    nanos[name].push(p25 / BURST)
  }
}
process.send(nanos)
process.disconnect()
