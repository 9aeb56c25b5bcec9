import { createLoggerProvider, type LoggerProviderOptions } from '@logbridge/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import {
  AGENT,
  type Collector,
  type CollectorOptions,
  findCollector,
  RECEIVERS,
  startCollector,
} from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import {
  type GrpcAnswer,
  type HttpAnswer,
  type ScriptedReceiver,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// A Collector that is killed, forwards to a gateway, or is full. Every record has a number and is checked where the Collector forwards
// it, before its acknowledgement, because the Collector has no queue here.

const program = findCollector()
const RECORDS_A_TURN = 20
const WAIT_OPTIONS = { timeout: 60_000, interval: 10 }

type Options = Pick<LoggerProviderOptions, 'endpoint' | 'protocol'>
const protocols: [string, (collector: Collector) => Options][] = [
  ['gRPC', ({ grpcUrl }) => ({ endpoint: grpcUrl })],
  ['HTTP', ({ httpUrl }) => ({ endpoint: httpUrl, protocol: 'http/protobuf' })],
]

/** Starts a Collector that stops at the end of the test. */
async function collectorWith(options: CollectorOptions): Promise<Collector> {
  const collector = await startCollector(program as string, options)
  onTestFinished(() => collector.stop())
  return collector
}

/** Logs numbers continuously until `stop`. `attempts` counts requests by their calls of `headers`. */
function startStream(options: Options) {
  const counts = { created: 0, attempts: 0 }
  const provider = createLoggerProvider({
    ...options,
    register: false,
    scheduledDelayMillis: 20,
    headers() {
      counts.attempts += 1
      return {}
    },
  })
  onTestFinished(() => provider.shutdown(0))
  const logger = provider.getLogger('stream')
  const stream = setInterval(() => {
    for (let n = 0; n < RECORDS_A_TURN; n += 1) logger.emit({ body: counts.created++, severityNumber: 9 })
  }, 5)
  onTestFinished(() => clearInterval(stream))
  return { provider, counts, stop: () => clearInterval(stream) }
}

describe.skipIf(program === undefined)('provider', () => {
  const kills = protocols.flatMap(([name, options]) => [
    { name, options, times: 2, tags: [] },
    { name, options, times: 20, tags: ['long'] },
  ])
  for (const { name, options, times, tags } of kills) {
    test(
      `loses nothing over ${name} when the Collector is killed and restarted ${times} times`,
      { tags },
      async () => {
        const ledger = createLedger()
        const collector = await collectorWith({ onLogs: ledger.take })
        const { provider, counts, stop } = startStream(options(collector))
        for (let kill = 1; kill <= times; kill += 1) {
          const before = ledger.arrived()
          await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(before + 200), WAIT_OPTIONS)
          await collector.restart()
        }
        stop()
        await provider.shutdown(WAIT_OPTIONS.timeout)
        const stats = provider.stats()
        reportCounts(`Collector killed ${times} times, ${name}`, stats, { duplicates: ledger.duplicates() })
        expect(ledger.missing(counts.created)).toEqual([])
        expect(stats).toMatchObject({
          created: counts.created,
          delivered: counts.created,
          dropped: NOTHING,
        })
      },
    )
  }

  test.each(protocols)(
    'loses nothing over %s when the gateway of the Collector is unreachable for a while',
    async (name, options) => {
      const ledger = createLedger()
      const gateway = await collectorWith({ onLogs: ledger.take })
      const agent = await collectorWith({
        config: AGENT,
        env: { NEXT_PORT: new URL(gateway.grpcUrl).port },
      })
      const { provider, counts, stop } = startStream(options(agent))
      await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(0), WAIT_OPTIONS)
      await gateway.kill()
      const before = counts.attempts
      // Four requests are in flight, so further attempts are retries.
      await vi.waitFor(() => expect(counts.attempts).toBeGreaterThan(before + 8), WAIT_OPTIONS)
      const arrived = ledger.arrived()
      expect(provider.stats().inFlight).toBeGreaterThan(0)
      await gateway.restart()
      await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(arrived), WAIT_OPTIONS)
      stop()
      await provider.shutdown(WAIT_OPTIONS.timeout)
      const stats = provider.stats()
      reportCounts(`gateway down, ${name}`, stats, { duplicates: ledger.duplicates() })
      expect(ledger.missing(counts.created)).toEqual([])
      expect(stats).toMatchObject({ created: counts.created, delivered: counts.created, dropped: NOTHING })
    },
  )

  test.each(protocols)(
    'keeps records queued and retries with backoff over %s when the Collector reaches its memory limit',
    async (name, options) => {
      const collector = await collectorWith({ config: FULL })
      const { provider, counts, stop } = startStream(options(collector))
      await vi.waitFor(() => expect(counts.created).toBeGreaterThan(300 * RECORDS_A_TURN), WAIT_OPTIONS)
      stop()
      const { created, attempts } = counts
      // Four requests are sent and retried. Without a delay between attempts there would be several in each turn.
      expect(attempts).toBeGreaterThan(4)
      expect(attempts).toBeLessThan(100)
      expect(provider.stats()).toMatchObject({ created, delivered: 0, rejected: 0, dropped: NOTHING })
      await provider.shutdown(0)
      const stats = provider.stats()
      reportCounts(`Collector at its memory limit, ${name}`, stats, { requests: attempts })
      expect(stats.dropped).toEqual({ shutdown_timeout: created })
    },
  )
})

describe('provider', () => {
  const refusals = [
    ['PERMISSION_DENIED', 'grpc', refusingOverGrpc],
    ['403', 'http/protobuf', refusingOverHttp],
  ] as const
  test.each(refusals)(
    'sends each record once and counts it as dropped when the receiver refuses it with %s',
    async (code, protocol, start) => {
      const receiver = await start()
      onTestFinished(() => receiver.close())
      const endpoint = receiver.url
      const provider = createLoggerProvider({ endpoint, protocol, register: false, maxExportBatchSize: 100 })
      const logger = provider.getLogger('refused')
      for (let number = 0; number < 1000; number += 1) logger.emit({ body: number, severityNumber: 9 })
      await provider.forceFlush()
      const stats = provider.stats()
      const requests = receiver.requests.length
      reportCounts(`receiver refuses everything, ${code}`, stats, { requests })
      expect(stats).toMatchObject({ created: 1000, delivered: 0, dropped: { export_failed: 1000 } })
      expect(requests).toBe(10)
      await provider.shutdown()
    },
  )
})

async function refusingOverGrpc(): Promise<ScriptedReceiver<GrpcAnswer>> {
  const receiver = await startGrpcReceiver()
  receiver.answer = () => ({ code: 'PERMISSION_DENIED' })
  return receiver
}

async function refusingOverHttp(): Promise<ScriptedReceiver<HttpAnswer>> {
  const receiver = await startHttpReceiver()
  receiver.answer = () => ({ status: 403 })
  return receiver
}

/** Configuration whose memory limit is always exceeded. */
const FULL = `
${RECEIVERS}
processors:
  memory_limiter: { check_interval: 10ms, limit_mib: 2, spike_limit_mib: 1 }
exporters:
  nop: {}
service:
  telemetry: { metrics: { level: none }, logs: { level: error } }
  pipelines:
    logs: { receivers: [otlp], processors: [memory_limiter], exporters: [nop] }
`
