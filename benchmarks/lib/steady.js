/**
 * Child process that logs 10,000 records a second: `steady.js PIPELINE|none URL`. Sends `p99Millis`, the delay of the event loop,
 * `percent`, the CPU in percent of a core, and `records`, their number.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { order, withinSpan } from './application.js'
import { pipelines } from './pipelines.js'

const [, , name, url] = process.argv
const PER_MILLI = 10
const WARM_UP_MILLIS = 1000
const MILLIS = 10_000

const { logger, finish } = await (pipelines[name]?.start(url) ?? { logger: { emit() {} } })
let records = 0
await withinSpan(async () => {
  await log(WARM_UP_MILLIS)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await log(MILLIS)
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  const percent = (user + system) / 10 / (performance.now() - start)
  await finish?.()
  process.send({ p99Millis: delay.percentile(99) / 1e6, percent, records })
})
process.disconnect()

/** Logs the records that are due every 5 ms. */
async function log(millis) {
  const start = performance.now()
  let sent = 0
  while (sent < millis * PER_MILLI) {
    const due = Math.min(performance.now() - start, millis) * PER_MILLI
    for (; sent < due; sent += 1) {
      logger.emit(order(sent))
    }
    await setTimeout(5)
  }
  records += sent
}
