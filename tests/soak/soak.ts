// pnpm soak [--minutes 30] [--spool]
//
// An application logs about 2,000 records per second over gRPC, with spans and metrics, while the Collector is killed and restarted.
// At the end every record must have arrived, the counters must balance, and memory must not grow: the median of the memory after a
// garbage collection may be 5 % higher in the last quarter than in the second.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { type Stats, unaccounted } from '@logbridge/test-support/stats'
import { growth, median, type Sample, slope } from './memory.ts'

const RECORDS_PER_SECOND = 2000
const MAX_GROWTH = 0.05

interface Report {
  stats: Stats
  samples: (Sample & { external: number })[]
  maxRss: number
}

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, spool: { type: 'boolean', default: false } },
})
const seconds = Number(values.minutes) * 60
if (!(seconds > 0)) throw new Error(`--minutes must be a number greater than 0, not ${values.minutes}`)
const program = findCollector()
if (program === undefined)
  throw new Error('no OpenTelemetry Collector: set OTELCOL to its path, or put otelcol on the PATH')
/** Factor that shortens the times between restarts in a short soak. */
const scale = Math.min(1, seconds / 300)
const randomSeconds = (min: number, max: number): number => scale * (min + Math.random() * (max - min))

const ledger = createLedger()
const collector = await startCollector(program, { onLogs: ledger.take })
const directory = values.spool ? await mkdtemp(join(tmpdir(), 'logbridge-soak-')) : undefined
const sampleMillis = Math.max(500, (seconds * 1000) / 300)
const application = fork(
  fileURLToPath(new URL('application.mjs', import.meta.url)),
  [RECORDS_PER_SECOND, sampleMillis, ...(directory ? [directory] : [])].map(String),
  { execArgv: ['--expose-gc'], env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl } },
)
process.once('exit', () => application.kill('SIGKILL'))
const reported = once(application, 'message') as Promise<[Report]>
const exited = once(application, 'exit')
const failed = exited.then(([code]): never => {
  throw new Error(`the application ended early with exit code ${code}`)
})
failed.catch(() => {})

let restarts = 0
let spans = 0
const end = performance.now() + seconds * 1000
while (performance.now() < end) {
  const remainingMillis = end - performance.now()
  await Promise.race([failed, delay(Math.min(remainingMillis, 1000 * randomSeconds(20, 60)))])
  // Received spans and metrics are discarded, because they would fill the memory of the soak.
  spans += collector.received.resourceSpans.length
  collector.received.resourceSpans.length = 0
  collector.received.resourceMetrics.length = 0
  if (performance.now() >= end) break
  await collector.kill()
  await delay(1000 * randomSeconds(1, 10))
  await collector.restart()
  restarts += 1
}
application.send('end')
const [{ stats, samples, maxRss }] = await Promise.race([reported, failed])
await exited
await collector.stop()
if (directory) await rm(directory, { recursive: true })

const external = samples.map((sample) => ({ seconds: sample.seconds, heapUsed: sample.external }))
const MiB = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
const missing = ledger.missing(stats.created)
console.log(`
soak of ${values.minutes} minutes${values.spool ? ', with a spool' : ''}: the Collector was killed ${restarts} times
stats:        ${JSON.stringify(stats)}, ${unaccounted(stats)} unaccounted for
at the sink:  ${ledger.arrived()} records, ${ledger.duplicates()} duplicates, missing ${missing.length === 0 ? 'none' : missing.join(', ')}; ${spans} batches of spans
heap:         ${MiB(median(samples))} MiB, ${percent(growth(samples))} between the second and the last quarter, slope of the second half ${(slope(samples) / 1024).toFixed(1)} KiB a minute
outside it:   ${MiB(median(external))} MiB, ${percent(growth(external))}
largest RSS:  ${MiB(maxRss)} MiB; ${samples.length} samples
`)

const problems = [
  unaccounted(stats) !== 0 && 'the counters do not balance',
  stats.delivered !== stats.created && 'not everything was delivered',
  missing.length > 0 && 'records are missing at the sink',
  restarts === 0 && 'the Collector was never killed',
  spans === 0 && 'no spans have arrived',
  growth(samples) > MAX_GROWTH && 'the heap grows',
  growth(external) > MAX_GROWTH && 'memory outside of the heap grows',
].filter((problem) => problem !== false)
for (const problem of problems) console.error(`failed: ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0
