import {
  createLoggerProvider,
  type LogbridgeLoggerProvider,
  type LoggerProviderOptions,
} from '@logbridge/core'
import { startViewer, type Viewer } from '@logbridge/viewer'
import { diag } from '@opentelemetry/api'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { run } from '@logbridge/test-support/run'
import {
  partialSuccess,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// Losses of other pipelines, observed by running them. Each test shows that logbridge loses nothing; a comment names the loss.
// Defects of single records are in peers.test.ts, records that are never sent in otel-3/official.test.ts, and defects of bundles in
// consumers/.

let viewer: Viewer
let received: unknown[] = []
beforeAll(async () => {
  viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  viewer.on('logs', (records) => received.push(...records.map(({ body }) => body)))
})
afterAll(() => viewer.close())

function start(options: LoggerProviderOptions = {}): {
  provider: LogbridgeLoggerProvider
  log: (from: number, to: number) => void
} {
  received = []
  const provider = createLoggerProvider({ endpoint: viewer.grpcUrl, register: false, ...options })
  onTestFinished(() => provider.shutdown(0))
  const logger = provider.getLogger('shop')
  return {
    provider,
    log(from, to) {
      for (let number = from; number < to; number += 1) logger.emit({ body: number, severityNumber: 9 })
    },
  }
}

/** Returns the numbers of `count` records in the order of the calls. */
const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number)
const arrived = (): number[] => (received as number[]).toSorted((a, b) => a - b)

describe('provider', () => {
  // Peer: resolves with 0 of 1,500 records exported.
  test('delivers every record when shutdown follows a running forceFlush', async () => {
    const { provider, log } = start()
    log(0, 1500)
    void provider.forceFlush()
    await provider.shutdown()
    expect(arrived()).toEqual(numbers(1500))
    expect(provider.stats()).toMatchObject({ created: 1500, delivered: 1500, dropped: NOTHING })
  })

  // Peer: loses the records that are logged during the flush.
  test('delivers records that are logged during a flush when a shutdown follows', async () => {
    const { provider, log } = start({ maxExportBatchSize: 100 })
    log(0, 1000)
    const flushed = provider.forceFlush()
    log(1000, 1500)
    setImmediate(() => log(1500, 2000))
    await flushed
    log(2000, 2500)
    await provider.shutdown()
    expect(arrived()).toEqual(numbers(2500))
    expect(provider.stats()).toMatchObject({ created: 2500, delivered: 2500, dropped: NOTHING })
  })

  // Peer: delays the end of the process by 30 seconds.
  test.each(['grpc', 'http/protobuf'])(
    'ends the process without a delay when the %s exporter throws',
    async (protocol) => {
      // The certificate is unreadable, and the timeouts are longer than the test.
      const stats = await run(process.execPath, [
        '--input-type=module',
        '-e',
        `import { createLoggerProvider } from '@logbridge/core'
        // A file of roots makes invalid certificates retryable, because the file can change.
        delete process.env.GRPC_DEFAULT_SSL_ROOTS_FILE_PATH
        const pem = '-----BEGIN CERTIFICATE-----\\nnone\\n-----END CERTIFICATE-----'
        const provider = createLoggerProvider({
          endpoint: 'https://127.0.0.1:1', protocol: '${protocol}', tls: { cert: pem, key: pem },
          exportTimeoutMillis: 1e9, timeoutMillis: 1e9,
        })
        provider.getLogger('shop').emit({ body: 'hello' })
        process.on('exit', () => console.log(JSON.stringify(provider.stats())))`,
      ])
      expect(JSON.parse(stats)).toMatchObject({ created: 1, dropped: { export_failed: 1 } })
    },
  )
})

describe('flood', () => {
  // Peer: loses 50 % with default options.
  test('arrives completely with default options', async () => {
    const { provider, log } = start()
    log(0, 50_000)
    await provider.shutdown()
    expect(arrived()).toEqual(numbers(50_000))
    expect(provider.stats()).toMatchObject({ created: 50_000, delivered: 50_000, dropped: NOTHING })
  })

  // Peer: loses 95 %.
  test("arrives completely through pino's worker", async () => {
    received = []
    await run(process.execPath, [
      '--input-type=module',
      '-e',
      `import pino from 'pino'
      const options = { endpoint: '${viewer.grpcUrl}' }
      const logger = pino({ transport: { target: '@logbridge/pino', options } })
      for (let number = 0; number < 50_000; number += 1) logger.info(String(number))`,
    ])
    received = received.map(Number)
    expect(arrived()).toEqual(numbers(50_000))
  })

  // Peer: reports no loss.
  test('is reported when it exceeds the queue', async () => {
    const warnings: string[] = []
    const warn = (message: string): void => void warnings.push(message)
    diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} })
    onTestFinished(() => diag.disable())
    const { provider, log } = start({ maxQueueSize: 100 })
    log(0, 1000)
    const stats = provider.stats()
    expectBalance(stats)
    expect(stats.dropped['queue_full']).toBeGreaterThan(800)
    expect(warnings.join('\n')).toMatch(/dropping log records, the queue is full/)
  })
})

describe('provider', () => {
  // Peer: counts every record as delivered.
  test.each([
    ['grpc', async () => ({ receiver: await startGrpcReceiver() })],
    ['http/protobuf', async () => ({ receiver: await startHttpReceiver() })],
  ] as const)(
    'counts rejected records when a receiver answers with a partial success over %s',
    async (protocol, open) => {
      const { receiver } = await open()
      onTestFinished(() => receiver.close())
      receiver.answer = () => ({ body: partialSuccess(3n, 'no such tenant') })
      const { provider, log } = start({ endpoint: receiver.url, protocol })
      log(0, 10)
      await provider.shutdown()
      expect(provider.stats()).toMatchObject({ created: 10, delivered: 7, rejected: 3, dropped: NOTHING })
    },
  )
})

const program = findCollector()
describe.skipIf(program === undefined)('provider', () => {
  const ledger = createLedger()
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string, { onLogs: ledger.take })
  })
  afterAll(() => collector?.stop())

  // Peer: loses 247 of 684 records in 6 seconds, because the gRPC exporter does not retry.
  test('delivers every record when the Collector is unreachable for a while', async () => {
    let attempts = 0
    const headers = (): Record<string, string> => {
      attempts += 1
      return {}
    }
    const { provider, log } = start({ endpoint: collector.grpcUrl, headers, maxExportBatchSize: 100 })
    log(0, 300)
    await provider.forceFlush()
    await collector.kill()
    log(300, 684)
    const before = attempts
    await vi.waitFor(() => expect(attempts).toBeGreaterThan(before + 8), { timeout: 20_000 })
    await collector.restart()
    await provider.shutdown()
    expect(ledger.missing(684)).toEqual([])
    expect(provider.stats()).toMatchObject({ created: 684, delivered: 684, dropped: NOTHING })
  })

  // Peer: loses the whole batch.
  test('delivers a batch of 5 MB when the Collector accepts 4 MiB', async () => {
    const first = 1000
    const { provider } = start({ endpoint: collector.grpcUrl })
    const logger = provider.getLogger('shop')
    for (let number = 0; number < 100; number += 1) {
      const body = first + number
      logger.emit({ body, severityNumber: 9, attributes: { text: 'x'.repeat(50_000) } })
    }
    // This record does not fit into one request with the other records.
    const attributes = { text: 'x'.repeat(4_000_000) }
    logger.emit({ body: first + 100, severityNumber: 9, attributes })
    await provider.shutdown()
    expect(provider.stats()).toMatchObject({ created: 101, delivered: 101, dropped: NOTHING })
    expect(ledger.missing(first + 101, first)).toEqual([])
  })
})
