import {
  createLoggerProvider,
  type LogbridgeLoggerProvider,
  type LoggerProviderOptions,
} from '@logbridge/core'
import { startViewer, type Viewer } from '@logbridge/viewer'
import { diag } from '@opentelemetry/api'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance } from '@logbridge/test-support/account'
import { type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { run } from '@logbridge/test-support/run'
import {
  partialSuccess,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// What other pipelines lose on the way, seen by running them. Each test is named after the defect. What they lose or mangle of a
// record is in peers.test.ts; what they do not send at all, in otel-3/official.test.ts; what bundlers break, in consumers/.

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

/** What is logged, in any order of arrival. */
const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number)
const arrived = (): number[] => (received as number[]).toSorted((a, b) => a - b)

describe('flush and shutdown', () => {
  test('forceFlush(); await shutdown() resolves with 0 of 1,500 exported', async () => {
    const { provider, log } = start()
    log(0, 1500)
    void provider.forceFlush()
    await provider.shutdown()
    expect(arrived()).toEqual(numbers(1500))
    expect(provider.stats()).toMatchObject({ created: 1500, delivered: 1500, dropped: NOTHING })
  })

  test('what is logged during a flush is lost by the shutdown behind it', async () => {
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

  test.each(['grpc', 'http/protobuf'])(
    'an exporter that throws at once delays the end of the process by 30 s, over %s',
    async (protocol) => {
      // A certificate that cannot be read, and times so long that the test would not see their end.
      const stats = await run(process.execPath, [
        '--input-type=module',
        '-e',
        `import { createLoggerProvider } from '@logbridge/core'
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

describe('a flood', () => {
  test('loses 50 % of its records with the defaults', async () => {
    const { provider, log } = start()
    log(0, 50_000)
    await provider.shutdown()
    expect(arrived()).toEqual(numbers(50_000))
    expect(provider.stats()).toMatchObject({ created: 50_000, delivered: 50_000, dropped: NOTHING })
  })

  test("loses 95 % of its records in pino's worker", async () => {
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

  test('of more than the queue takes says nothing of what is lost', async () => {
    const said: string[] = []
    const warn = (message: string): void => void said.push(message)
    diag.setLogger({ error: warn, warn, info() {}, debug() {}, verbose() {} })
    onTestFinished(() => diag.disable())
    const { provider, log } = start({ maxQueueSize: 100 })
    log(0, 1000)
    const stats = provider.stats()
    expectBalance(stats)
    expect(stats.dropped['queue_full']).toBeGreaterThan(800)
    expect(said.join('\n')).toMatch(/log records are being dropped because the queue is full/)
  })
})

describe('a receiver', () => {
  test.each([
    ['grpc', async () => ({ receiver: await startGrpcReceiver() })],
    ['http/protobuf', async () => ({ receiver: await startHttpReceiver() })],
  ] as const)(
    'that takes a part of a request counts as one that took all of it, over %s',
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
describe.skipIf(program === undefined)('a Collector', () => {
  const ledger = createLedger()
  let collector: Collector
  beforeAll(async () => {
    collector = await startCollector(program as string, { onLogs: ledger.take })
  })
  afterAll(() => collector?.stop())

  test('that is down for 6 s costs 247 of 684 records, as an export over gRPC is not tried again', async () => {
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

  test('that takes 4 MiB loses a batch of 5 MB as a whole', async () => {
    const first = 1000
    const { provider } = start({ endpoint: collector.grpcUrl })
    const logger = provider.getLogger('shop')
    for (let number = 0; number < 100; number += 1) {
      const body = first + number
      logger.emit({ body, severityNumber: 9, attributes: { text: 'x'.repeat(50_000) } })
    }
    // By itself larger than what is left of 4 MiB beside the others.
    const attributes = { text: 'x'.repeat(4_000_000) }
    logger.emit({ body: first + 100, severityNumber: 9, attributes })
    await provider.shutdown()
    expect(provider.stats()).toMatchObject({ created: 101, delivered: 101, dropped: NOTHING })
    expect(ledger.missing(first + 101, first)).toEqual([])
  })
})
