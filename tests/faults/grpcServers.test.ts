import { createLoggerProvider, type LoggerProviderOptions } from '@logbridge/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { type Collector, CONFIG, findCollector, startCollector } from '@logbridge/test-support/collector'
import {
  type Answer,
  findNginx,
  startConnectNode,
  startGrpcJs,
  startNginx,
} from '@logbridge/test-support/grpcServers'
import { createLedger, type Ledger } from '@logbridge/test-support/ledger'
import { partialSuccess } from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// Servers of other makers: grpc-js, connect-node, the Collector's grpc-go, and nginx. A Collector checks what they receive.

const program = findCollector()
const nginx = findNginx()
const WAIT_OPTIONS = { timeout: 30_000, interval: 10 }
const warnings = capturedWarnings()

describe.skipIf(program === undefined)('provider over gRPC', () => {
  let collector: Collector
  let ledger: Ledger
  beforeAll(async () => {
    collector = await startCollector(program!, { onLogs: (logs) => ledger.take(logs) })
  })
  afterAll(() => collector?.stop())

  /** Forwards a request to the Collector over HTTP. */
  const forward: Answer = async (request) => {
    const answer = await fetch(`${collector.httpUrl}/v1/logs`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(request),
    })
    return answer.ok
      ? Buffer.from(await answer.arrayBuffer())
      : { code: 14, message: `HTTP ${answer.status}` }
  }

  function provide(endpoint: string, options: LoggerProviderOptions = {}) {
    ledger = createLedger()
    let attempts = 0
    const provider = createLoggerProvider({
      endpoint,
      scheduledDelayMillis: 5,
      ...options,
      register: false,
      headers() {
        attempts += 1
        return { 'x-tenant': 'shop' }
      },
    })
    onTestFinished(() => provider.shutdown(0))
    const logger = provider.getLogger('servers')
    let created = 0
    return {
      provider,
      log(bytes: number) {
        logger.emit({ body: created++, severityNumber: 9, attributes: { padding: 'x'.repeat(bytes) } })
      },
      attempts: () => attempts,
      created: () => created,
    }
  }

  /** Servers by name. Each returns the URL of a server that forwards to the Collector. */
  const servers: Record<string, () => Promise<string>> = {
    'grpc-js': async () => closing(await startGrpcJs(forward)),
    'connect-node': async () => closing(await startConnectNode(forward)),
    'grpc-go (the Collector)': async () => collector.grpcUrl,
    'grpc-go with one stream at a time': async () => {
      const single = await startCollector(program!, {
        config: SINGLE_STREAM,
        onLogs: (logs) => ledger.take(logs),
      })
      onTestFinished(() => single.stop())
      return single.grpcUrl
    },
    ...(nginx && {
      'nginx before the Collector': async () => closing(await startNginx(nginx, collector.grpcUrl)),
    }),
  }

  function closing({ url, close }: { readonly url: string; close(): Promise<void> }): string {
    onTestFinished(close)
    return url
  }

  describe.each(Object.entries(servers))('to %s', (name, start) => {
    test.each(['none', 'gzip'] as const)(
      'delivers each record once when records have 10 bytes to 400 kB, with compression %s',
      async (compression) => {
        const { provider, log, created } = provide(await start(), { compression })
        for (let n = 0; n < 500; n += 1) log(n % 100 === 0 ? 400_000 : 10)
        await provider.shutdown(WAIT_OPTIONS.timeout)
        const stats = provider.stats()
        reportCounts(`${name}, compression ${compression}`, stats, { duplicates: ledger.duplicates() })
        expect(stats).toMatchObject({ created: created(), delivered: created(), dropped: NOTHING })
        await vi.waitFor(() => expect(ledger.missing(created())).toEqual([]), WAIT_OPTIONS)
        expect(ledger.duplicates()).toBe(0)
      },
    )
  })

  describe.each([
    ['grpc-js', startGrpcJs],
    ['connect-node', startConnectNode],
  ] as const)('to %s', (_, start) => {
    /** Sends ten records in one request. */
    async function send(answer: Answer) {
      const endpoint = closing(await start(answer))
      const { provider, log, attempts } = provide(endpoint, { scheduledDelayMillis: 1000 })
      for (let n = 0; n < 10; n += 1) log(10)
      await provider.shutdown(5000)
      return { stats: provider.stats(), attempts: attempts() }
    }

    test('retries when the server answers RESOURCE_EXHAUSTED with RetryInfo', async () => {
      let requests = 0
      const sent = await send((request) => {
        requests += 1
        return requests > 1
          ? forward(request)
          : Promise.resolve({ code: 8, message: 'busy', retryMillis: 10 })
      })
      expect(sent).toMatchObject({ attempts: 2, stats: { delivered: 10, dropped: NOTHING } })
    })

    test('reports the decoded message when the server refuses with other characters than ASCII', async () => {
      const sent = await send(async () => ({ code: 3, message: 'größer als 100% – nein' }))
      expect(sent).toMatchObject({ attempts: 1, stats: { dropped: { export_failed: 10 } } })
      expect(warnings.join('\n')).toContain('INVALID_ARGUMENT: größer als 100% – nein')
    })

    test('counts rejected records when the server answers with a partial success', async () => {
      const sent = await send(async () => partialSuccess(3n, 'too old'))
      expect(sent).toMatchObject({ attempts: 1, stats: { delivered: 7, rejected: 3 } })
    })
  })

  /** Logs records for a while, and expects each request to be delivered by its first attempt. */
  async function expectNoFailure(
    name: string,
    { provider, log, attempts, created }: ReturnType<typeof provide>,
    during: () => Promise<void>,
  ): Promise<void> {
    const stream = setInterval(() => {
      for (let n = 0; n < 5; n += 1) log(100)
    }, 5)
    onTestFinished(() => clearInterval(stream))
    await during()
    clearInterval(stream)
    await provider.shutdown(WAIT_OPTIONS.timeout)
    const stats = provider.stats()
    reportCounts(name, stats, { attempts: attempts(), duplicates: ledger.duplicates() })
    expect(stats).toMatchObject({ created: created(), delivered: created(), dropped: NOTHING })
    expect(ledger.missing(created())).toEqual([])
    expect(ledger.duplicates()).toBe(0)
    expect(warnings).toEqual([])
  }

  test('fails no attempt when grpc-go ends each connection after 0.2 s', { tags: ['long'] }, async () => {
    const aging = await startCollector(program!, { config: AGING, onLogs: (logs) => ledger.take(logs) })
    onTestFinished(() => aging.stop())
    const running = provide(aging.grpcUrl, { maxExportBatchSize: 5 })
    await expectNoFailure('grpc-go with connections of 0.2 s', running, async () => {
      await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(1000), WAIT_OPTIONS)
    })
  })

  describe.skipIf(nginx === undefined)('to nginx', () => {
    test('fails no attempt when nginx ends connections after 10 requests, and reloads', async () => {
      const between = await startNginx(nginx!, collector.grpcUrl, 'keepalive_requests 10;')
      onTestFinished(() => between.close())
      const running = provide(between.url, { maxExportBatchSize: 5 })
      await expectNoFailure('nginx with 10 requests on a connection, reloaded', running, async () => {
        await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(200), WAIT_OPTIONS)
        between.reload()
        await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThan(600), WAIT_OPTIONS)
      })
    })

    test('splits a request when nginx refuses its size', async () => {
      const between = await startNginx(nginx!, collector.grpcUrl, 'client_max_body_size 100k;')
      onTestFinished(() => between.close())
      const { provider, log } = provide(between.url, { scheduledDelayMillis: 1000 })
      for (let n = 0; n < 40; n += 1) log(10_000)
      log(200_000)
      await provider.shutdown(WAIT_OPTIONS.timeout)
      reportCounts('nginx with a limit', provider.stats())
      expect(provider.stats()).toMatchObject({ delivered: 40, dropped: { too_large: 1 } })
      expect(ledger.missing(40)).toEqual([])
    })

    test('retries when the receiver behind nginx is down', async () => {
      const behind = await startCollector(program!, { onLogs: (logs) => ledger.take(logs) })
      onTestFinished(() => behind.stop())
      const between = await startNginx(nginx!, behind.grpcUrl)
      onTestFinished(() => between.close())
      const { provider, log, attempts } = provide(between.url)
      await behind.kill()
      log(10)
      await vi.waitFor(() => {
        void provider.forceFlush(10)
        expect(attempts()).toBeGreaterThan(1)
      }, WAIT_OPTIONS)
      await behind.restart()
      await provider.shutdown(WAIT_OPTIONS.timeout)
      expect(provider.stats()).toMatchObject({ delivered: 1, dropped: NOTHING })
    })
  })
})

const receiver = (settings: string): string => CONFIG.replace('GRPC_PORT}"', `$&, ${settings}`)
const SINGLE_STREAM = receiver('max_concurrent_streams: 1')
const AGING = receiver('keepalive: { server_parameters: { max_connection_age: 200ms } }')
