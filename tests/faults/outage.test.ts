import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createLoggerProvider,
  type LoggerProviderOptions,
  type LogsStats,
  OtlpLogRecordProcessor,
  startTelemetry,
} from '@logbridge/core'
import type { Logger } from '@opentelemetry/api'
import { LoggerProvider, type LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { AGENT, type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger, type Ledger } from '@logbridge/test-support/ledger'
import { NOTHING } from '@logbridge/test-support/stats'

// The Collector is down for longer than the memory cap lasts, with a spool and each way to set up a pipeline.

const program = findCollector()
const WAIT_OPTIONS = { timeout: 60_000, interval: 10 }
const MAX_QUEUE_BYTES = 1024 * 1024
const KILOBYTE = 'x'.repeat(1000)

interface Pipeline {
  readonly logger: Logger
  stats(): LogsStats
  shutdown(timeoutMillis?: number): Promise<void>
}

/** Processor of the user that changes each record. */
class Marking implements LogRecordProcessor {
  seen = 0
  onEmit(record: Parameters<LogRecordProcessor['onEmit']>[0]): void {
    this.seen += 1
    record.setAttribute('marked', true)
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

function direct(options: LoggerProviderOptions): Pipeline {
  const provider = createLoggerProvider({ ...options, register: false })
  return { ...provider, logger: provider.getLogger('outage') }
}

const ways: Record<string, (options: LoggerProviderOptions, collector: Collector) => Pipeline> = {
  'createLoggerProvider over gRPC': direct,
  'createLoggerProvider over HTTP': (options, { httpUrl }) =>
    direct({ ...options, endpoint: httpUrl, protocol: 'http/protobuf' }),
  "the user's own processors": (options) => direct({ ...options, processors: [new Marking()] }),
  'OtlpLogRecordProcessor in the SDK': (options) => {
    const processor = new OtlpLogRecordProcessor(options)
    const provider = new LoggerProvider({ processors: [processor] })
    return {
      logger: provider.getLogger('outage'),
      stats: () => processor.stats(),
      shutdown: (timeoutMillis) => processor.shutdown(timeoutMillis),
    }
  },
  startTelemetry: ({ endpoint, ...logs }) => {
    const telemetry = startTelemetry({ endpoint, logs, traces: false, metrics: false })
    return { ...telemetry, logger: telemetry.loggerProvider.getLogger('outage') }
  },
}

const tagsOf = (way: string): string[] => (way === 'createLoggerProvider over gRPC' ? [] : ['long'])

async function start(way: string, collector: Collector, directory: string): Promise<Pipeline> {
  const options = {
    endpoint: collector.grpcUrl,
    scheduledDelayMillis: 50,
    // Four requests in flight take less than half of the memory.
    maxExportBatchSize: 100,
    maxQueueBytes: MAX_QUEUE_BYTES,
    spool: { directory },
  }
  const pipeline = ways[way]!(options, collector)
  onTestFinished(() => pipeline.shutdown(0))
  return pipeline
}

async function spoolDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'logbridge-outage-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return directory
}

async function collectorWith(options: Parameters<typeof startCollector>[1]): Promise<Collector> {
  const collector = await startCollector(program as string, options)
  onTestFinished(() => collector.stop())
  return collector
}

/** Logs numbers with a kilobyte each, in bursts between turns of the event loop, no faster than the disk accepts them. */
async function log({ logger, stats }: Pipeline, from: number, to: number): Promise<void> {
  for (let number = from; number < to;) {
    for (let n = 0; n < 20 && number < to; n += 1) {
      logger.emit({ body: number++, severityNumber: 9, attributes: { text: KILOBYTE } })
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    await vi.waitFor(() => expect(stats().bytes).toBeLessThan(MAX_QUEUE_BYTES * 0.75), WAIT_OPTIONS)
  }
}

async function allArrived(ledger: Ledger, count: number): Promise<void> {
  await vi.waitFor(() => expect(ledger.missing(count)).toEqual([]), WAIT_OPTIONS)
}

describe.skipIf(program === undefined)('a pipeline with a spool', () => {
  for (const way of Object.keys(ways)) {
    test(
      `loses no record when the Collector is down for five times the memory cap: ${way}`,
      { tags: tagsOf(way) },
      async () => {
        const ledger = createLedger()
        const collector = await collectorWith({ onLogs: ledger.take })
        const directory = await spoolDirectory()
        const pipeline = await start(way, collector, directory)
        const stats = () => pipeline.stats()
        await log(pipeline, 0, 100)
        await allArrived(ledger, 100)

        await collector.kill()
        const count = 100 + Math.ceil((5 * MAX_QUEUE_BYTES) / KILOBYTE.length)
        await log(pipeline, 100, count)
        expect(stats().created).toBe(count)
        expect(stats().dropped).toEqual({})
        expect(stats().bytes).toBeLessThan(MAX_QUEUE_BYTES)
        await collector.restart()
        await allArrived(ledger, count)

        await pipeline.shutdown(WAIT_OPTIONS.timeout)
        reportCounts(`Collector down for 5 MiB, 1 MiB of memory, ${way}`, stats(), {
          duplicates: ledger.duplicates(),
        })
        expect(stats()).toMatchObject({ created: count, delivered: count, dropped: NOTHING, spooled: 0 })
        expect(await readdir(directory)).toEqual([])
      },
    )

    test(
      `loses no record when the gateway of the agent is down while the application restarts: ${way}`,
      { tags: tagsOf(way) },
      async () => {
        const ledger = createLedger()
        const gateway = await collectorWith({ onLogs: ledger.take })
        const agent = await collectorWith({
          config: AGENT,
          env: { NEXT_PORT: new URL(gateway.grpcUrl).port },
        })
        const directory = await spoolDirectory()
        const first = await start(way, agent, directory)
        await log(first, 0, 100)
        await allArrived(ledger, 100)

        await gateway.kill()
        await log(first, 100, 1000)
        await first.shutdown(100)
        const left = first.stats()
        reportCounts(`gateway down at the shutdown, with a spool, ${way}`, left)
        expect(left).toMatchObject({ created: 1000, dropped: NOTHING, inFlight: 0 })
        expect(left.queued).toBeGreaterThan(0)
        expect(left.spooled).toBe(left.queued)

        const second = await start(way, agent, directory)
        await log(second, 1000, 1500)
        await gateway.restart()
        await allArrived(ledger, 1500)
        await second.shutdown(WAIT_OPTIONS.timeout)
        const stats = second.stats()
        reportCounts(`gateway down and up, with a spool, ${way}`, stats, { duplicates: ledger.duplicates() })
        expect(stats).toMatchObject({ created: 500, recovered: left.queued, delivered: 500 + left.queued })
        expect(await readdir(directory)).toEqual([])
      },
    )
  }
})
