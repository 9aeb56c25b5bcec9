/**
 * A process of its own that calls a library again and again where nothing is to be sent: `disabled.js LIBRARY METHOD`. METHOD
 * is `debug`, which is below the level, or `log`, for which there is no LoggerProvider. Tells its parent, for each of
 * PROGRAMS, the nanoseconds of a call in each alternation.
 */
import { measure } from 'mitata'

const [, , library, method] = process.argv
const PROGRAMS = ['bare', 'idle', 'unprovided']
/** In one process and in short turns: a busy machine makes a call twice as slow for a while, and then for all of them. */
const ALTERNATIONS = 5
const NANOS = 5e7
/** Calls in one turn of the event loop, in which what they put off is done as well. */
const BURST = 100
/** Until the compiler is done, also where the machine is busy; the first 1,000 are kept for a LoggerProvider that may come. */
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
