/**
 * Child process that delivers records over gRPC or to a file: `file.js grpc|file URL`. Sends `cpuMicros`, the CPU of a record on all threads
 * until it is delivered, `perSecond`, and `stallMillis`, the longest time without a turn of the event loop.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createLoggerProvider } from '@logbridge/core'
import { order, withinSpan } from './application.js'

const RECORDS = 200_000
const WARM_UP = 20_000
const BURST = 1000

const [, , name, url] = process.argv
const folder = mkdtempSync(join(tmpdir(), 'logbridge-bench-'))
const destination = name === 'file' ? { file: { path: join(folder, 'logs.jsonl') } } : { endpoint: url }
const provider = createLoggerProvider({ ...destination, serviceName: 'bench' })
const logger = provider.getLogger('bench')

await withinSpan(async () => {
  await emit(WARM_UP)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await emit(RECORDS)
  const millis = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  if (provider.stats().delivered !== WARM_UP + RECORDS) throw new Error('records were lost')
  process.send({
    cpuMicros: (user + system) / RECORDS,
    perSecond: RECORDS / (millis / 1000),
    stallMillis: delay.max / 1e6,
  })
})
rmSync(folder, { recursive: true })
process.exit()

async function emit(count) {
  for (let sent = 0; sent < count; sent += BURST) {
    for (let i = sent; i < sent + BURST; i += 1) logger.emit(order(i))
    await new Promise(setImmediate)
  }
  await provider.forceFlush()
}
