import { createLoggerProvider, type LoggerProviderOptions } from '@logbridge/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { expectBalance, reportCounts } from '@logbridge/test-support/faultCounts'
import { CONFIG, type Collector, findCollector, startCollector } from '@logbridge/test-support/collector'
import { type FaultProxy, startFaultProxy } from '@logbridge/test-support/faultProxy'
import { createLedger, type Ledger } from '@logbridge/test-support/ledger'
import {
  type GrpcAnswer,
  type HttpAnswer,
  partialSuccess,
  type ReceivedRequest,
  retryInfo,
  type ScriptedReceiver,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'

// Network faults between core and a Collector, and every answer of a receiver.

const program = findCollector()
const WAIT_OPTIONS = { timeout: 30_000, interval: 5 }
const PROTOCOLS = ['grpc', 'http/protobuf'] as const

/** State of the stream for a fault. */
interface Stream {
  readonly proxy: FaultProxy
  readonly ledger: Ledger
  /** Returns the number of attempts, counted by their calls of `headers`. */
  attempts(): number
  /** Waits until `count` further records have arrived. */
  more(count: number): Promise<void>
}

/** Network faults by name. Each ends the fault before it resolves. */
const FAULTS: Readonly<Record<string, (stream: Stream) => Promise<void>>> = {
  async 'has a latency of 50 ms'({ proxy, more }) {
    proxy.fault = { latencyMillis: 50 }
    await more(200)
  },
  async 'carries 200 kB a second'({ proxy, more }) {
    proxy.fault = { bytesPerSecond: 200_000 }
    await more(200)
  },
  async 'is reset ten times'({ proxy, more }) {
    for (let times = 0; times < 10; times += 1) {
      proxy.reset()
      await more(20)
    }
  },
  async 'is half open three times'({ proxy, more }) {
    for (let times = 0; times < 3; times += 1) {
      proxy.halfOpen()
      await more(100)
    }
  },
  async 'is a black hole for a while'({ proxy, attempts, more }) {
    proxy.fault = { blackHole: true }
    const before = attempts()
    await vi.waitFor(() => expect(attempts()).toBeGreaterThan(before + 8), WAIT_OPTIONS)
    proxy.fault = {}
    await more(100)
  },
  async 'refuses connections for a while'({ proxy, attempts, more }) {
    await proxy.refuse()
    const before = attempts()
    await vi.waitFor(() => expect(attempts()).toBeGreaterThan(before + 8), WAIT_OPTIONS)
    await proxy.listen()
    await more(100)
  },
  async 'is cut in the middle of five requests'({ proxy, more }) {
    proxy.fault = { cut: { of: 'request', afterBytes: 6000, times: 5 } }
    await vi.waitFor(() => expect(proxy.cuts).toBe(5), WAIT_OPTIONS)
    await more(20)
  },
  async 'is cut in the middle of five answers'({ proxy, more }) {
    proxy.fault = { cut: { of: 'answer', afterBytes: 50, times: 5 } }
    await vi.waitFor(() => expect(proxy.cuts).toBe(5), WAIT_OPTIONS)
    await more(20)
  },
}

describe.skipIf(program === undefined)('provider, when the network', () => {
  let collector: Collector
  let ledger: Ledger
  beforeAll(async () => {
    collector = await startCollector(program as string, { onLogs: (logs) => ledger.take(logs) })
  })
  afterAll(() => collector?.stop())

  /** Logs numbers continuously during a fault, and expects all of them to arrive. */
  async function expectAllToArrive(
    name: string,
    options: LoggerProviderOptions,
    causeFault: (stream: Omit<Stream, 'proxy'>) => Promise<void>,
  ): Promise<void> {
    ledger = createLedger()
    let created = 0
    let attempts = 0
    const provider = createLoggerProvider({
      timeoutMillis: 500,
      scheduledDelayMillis: 5,
      maxExportBatchSize: 50,
      ...options,
      register: false,
      headers() {
        attempts += 1
        return {}
      },
    })
    const logger = provider.getLogger('stream')
    const stream = setInterval(() => {
      for (let n = 0; n < 5; n += 1)
        logger.emit({ body: created++, attributes: { padding: 'x'.repeat(100) } })
      // A flush ends backoffs, which would make the test long.
      void provider.forceFlush(20)
    }, 5)
    onTestFinished(async () => {
      clearInterval(stream)
      await provider.shutdown(0)
    })
    const more = async (count: number): Promise<void> => {
      const total = ledger.arrived() + count
      await vi.waitFor(() => expect(ledger.arrived()).toBeGreaterThanOrEqual(total), WAIT_OPTIONS)
    }
    await more(1)
    await causeFault({ ledger, attempts: () => attempts, more })
    clearInterval(stream)
    await provider.shutdown(WAIT_OPTIONS.timeout)
    const stats = provider.stats()
    reportCounts(name, stats, { attempts, duplicates: ledger.duplicates() })
    expect(ledger.missing(created)).toEqual([])
    expect(stats).toMatchObject({ created, delivered: created, rejected: 0, dropped: NOTHING })
  }

  const urlOf = (protocol: (typeof PROTOCOLS)[number]): string =>
    protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl

  describe.each(PROTOCOLS)('over %s', (protocol) => {
    test.each(Object.entries(FAULTS))('%s loses nothing', async (name, fault) => {
      const proxy = await startFaultProxy(urlOf(protocol))
      onTestFinished(() => proxy.close())
      await expectAllToArrive(
        `network ${name}, ${protocol}`,
        { protocol, endpoint: proxy.url },
        async (stream) => {
          await fault({ ...stream, proxy })
          proxy.fault = {}
        },
      )
    })
  })

  test('sends GOAWAY after each tenth request, loses and repeats nothing', async () => {
    const between = await startGrpcReceiver()
    onTestFinished(() => between.close())
    between.answer = (_, n) => ({ forwardTo: collector.grpcUrl, goaway: n % 10 === 0 })
    const options = { endpoint: between.url, timeoutMillis: 10_000 }
    await expectAllToArrive('network with GOAWAY, grpc', options, async ({ more }) => {
      while (between.connections < 8) await more(20)
    })
    expect(ledger.duplicates()).toBe(0)
  })

  test.each([
    ['grpc', startGrpcReceiver],
    ['http/protobuf', startHttpReceiver],
  ] as const)('accepts one in three requests over %s, loses nothing', async (protocol, start) => {
    const between = await start()
    onTestFinished(() => between.close())
    const forwardTo = urlOf(protocol)
    between.answer = (_, n) => (n % 3 === 0 ? { forwardTo } : { code: 'UNAVAILABLE', status: 503 })
    const options = { protocol, endpoint: between.url, timeoutMillis: 10_000 }
    await expectAllToArrive(`one in three requests, ${protocol}`, options, async ({ more }) => {
      await more(100)
      between.answer = () => ({ forwardTo })
      await more(100)
    })
  })
})

describe.skipIf(program === undefined)('provider', () => {
  test.each(PROTOCOLS)(
    'drops a too large record alone over %s when the Collector accepts 1 MiB',
    async (protocol) => {
      const ledger = createLedger()
      const collector = await startCollector(program as string, { config: SMALL, onLogs: ledger.take })
      onTestFinished(() => collector.stop())
      const endpoint = protocol === 'grpc' ? collector.grpcUrl : collector.httpUrl
      const provider = createLoggerProvider({ endpoint, protocol, register: false })
      onTestFinished(() => provider.shutdown(0))
      const logger = provider.getLogger('large')
      for (const [body, kilobytes] of [1, 400, 3000, 400, 2, 400, 400, 400].entries()) {
        logger.emit({ body, attributes: { padding: 'x'.repeat(1000 * kilobytes) } })
      }
      await provider.forceFlush()
      const stats = provider.stats()
      reportCounts(`Collector with a limit, ${protocol}`, stats, { duplicates: ledger.duplicates() })
      expect(stats).toMatchObject({ created: 8, delivered: 7, dropped: { too_large: 1 } })
      await vi.waitFor(() => expect(ledger.missing(8)).toEqual([2]), WAIT_OPTIONS)
    },
  )
})

interface Answers {
  grpc: GrpcAnswer
  'http/protobuf': HttpAnswer
}

/** Sends `records` in one request to a scripted receiver, and returns stats and the number of requests. */
async function sendTo<Protocol extends keyof Answers>(
  protocol: Protocol,
  answer: (request: ReceivedRequest, n: number) => Answers[Protocol],
  { records = 1, ...options }: LoggerProviderOptions & { records?: number } = {},
) {
  const start = protocol === 'grpc' ? startGrpcReceiver : startHttpReceiver
  const receiver = (await start()) as ScriptedReceiver<Answers[Protocol]>
  onTestFinished(() => receiver.close())
  receiver.answer = answer
  const provider = createLoggerProvider({
    endpoint: receiver.url,
    protocol,
    timeoutMillis: 300,
    ...options,
    register: false,
  })
  const logger = provider.getLogger('codes')
  for (let number = 0; number < records; number += 1) logger.emit({ body: number })
  // A flush ends the backoff.
  await vi.waitFor(async () => {
    await provider.forceFlush(20)
    expect(provider.stats()).toMatchObject({ queued: 0, inFlight: 0 })
  }, WAIT_OPTIONS)
  await provider.shutdown()
  const stats = provider.stats()
  return { stats, requests: receiver.requests.length }
}

const twice = { requests: 2, stats: { delivered: 1, rejected: 0, dropped: NOTHING } }
const lost = { requests: 1, stats: { delivered: 0, rejected: 0, dropped: { export_failed: 1 } } }

describe('provider, when a gRPC receiver answers', () => {
  const RETRIED = ['CANCELLED', 'DEADLINE_EXCEEDED', 'ABORTED', 'OUT_OF_RANGE', 'UNAVAILABLE', 'DATA_LOSS']
  const FINAL = [
    'UNKNOWN',
    'INVALID_ARGUMENT',
    'NOT_FOUND',
    'ALREADY_EXISTS',
    'PERMISSION_DENIED',
    'FAILED_PRECONDITION',
    'UNIMPLEMENTED',
    'INTERNAL',
    'UNAUTHENTICATED',
  ]
  const cases = [
    ...RETRIED.flatMap((code) => [
      [code, false, twice],
      [code, true, twice],
    ]),
    ['RESOURCE_EXHAUSTED', false, lost],
    ['RESOURCE_EXHAUSTED', true, twice],
    ...FINAL.flatMap((code) => [
      [code, false, lost],
      [code, true, lost],
    ]),
  ] as [NonNullable<GrpcAnswer['code']>, boolean, typeof twice | typeof lost][]

  test.each(cases)('%s (RetryInfo: %s), delivers or counts each record', async (code, info, expected) => {
    const details = retryInfo(0n, 10_000_000n)
    const sent = await sendTo('grpc', (_, n) => (n > 1 ? {} : { code, ...(info && { details }) }))
    expectBalance(sent.stats)
    expect(sent).toMatchObject(expected)
  })

  const once = (answer: GrpcAnswer) => (_: ReceivedRequest, n: number) => (n > 1 ? {} : answer)
  test.each<[string, GrpcAnswer, object]>([
    ['never', { fault: 'silent' }, twice],
    ['with a reset stream', { fault: 'reset' }, twice],
    ['with half a message', { fault: 'truncated', body: Buffer.alloc(1000) }, twice],
    ['and closes the connection', { fault: 'disconnect' }, twice],
    ['with 5 MB', { body: Buffer.alloc(5_000_000) }, lost],
    ['with malformed gRPC', { raw: Buffer.from('<html>no receiver here</html>') }, lost],
    ['with the page of a proxy', { httpStatus: 503, raw: Buffer.from('<html></html>') }, twice],
    ['with malformed OTLP', { body: Buffer.from('0aff', 'hex') }, { requests: 1, stats: { delivered: 1 } }],
  ])('%s, delivers or counts each record', async (name, answer, expected) => {
    // The deadline ends an attempt only when there is no answer.
    const options = answer.fault === 'silent' ? {} : { timeoutMillis: 10_000 }
    const sent = await sendTo('grpc', once(answer), options)
    reportCounts(`answer ${name}, grpc`, sent.stats, { requests: sent.requests })
    expect(sent).toMatchObject(expected)
  })
})

describe('provider, when an HTTP receiver answers', () => {
  const RETRIED = [429, 502, 503, 504]
  const FINAL = [301, 307, 400, 401, 403, 404, 405, 406, 408, 409, 410, 415, 422, 431, 500, 501, 505]
  const cases = [
    ...RETRIED.flatMap((status) => [
      [status, false, twice],
      [status, true, twice],
    ]),
    ...FINAL.flatMap((status) => [
      [status, false, lost],
      [status, true, lost],
    ]),
  ] as [number, boolean, typeof twice | typeof lost][]

  test.each(cases)(
    '%i (Retry-After: %s), delivers or counts each record',
    async (status, after, expected) => {
      const headers = after ? { 'retry-after': '0' } : {}
      const sent = await sendTo('http/protobuf', (_, n) => (n > 1 ? {} : { status, headers }))
      reportCounts(`HTTP ${status}${after ? ' with Retry-After' : ''}`, sent.stats, {
        requests: sent.requests,
      })
      expect(sent).toMatchObject(expected)
    },
  )

  const taken = { requests: 1, stats: { delivered: 1, rejected: 0, dropped: NOTHING } }
  test.each<[string, HttpAnswer, object]>([
    ['never', { fault: 'silent' }, twice],
    ['with a closed connection', { fault: 'disconnect' }, twice],
    ['with malformed HTTP', { raw: 'SSH-2.0-OpenSSH_9.2\r\n' }, twice],
    ['with half a status line', { raw: 'HTTP/1.1 2' }, twice],
    ['200 and half of the announced body', { fault: 'truncated', body: Buffer.alloc(1000) }, taken],
    ['200 and 5 MB', { body: Buffer.alloc(5_000_000) }, taken],
    ['200 and malformed OTLP', { body: 'OK' }, taken],
  ])('%s, delivers or counts each record', async (name, answer, expected) => {
    const sent = await sendTo('http/protobuf', (_, n) => (n > 1 ? {} : answer))
    reportCounts(`answer ${name}, http/protobuf`, sent.stats, { requests: sent.requests })
    expect(sent).toMatchObject(expected)
  })
})

describe.each(PROTOCOLS)('provider over %s', (protocol) => {
  /** Sends with one answer for both protocols; each protocol uses its own fields. */
  const send = (
    answer: (request: ReceivedRequest) => GrpcAnswer & HttpAnswer,
    options?: Parameters<typeof sendTo>[2],
  ) => sendTo(protocol, answer, options)

  test('counts rejected records without a retry when the receiver answers with a partial success', async () => {
    const sent = await send(() => ({ body: partialSuccess(3n, 'too old') }), { records: 10 })
    reportCounts(`partial success, ${protocol}`, sent.stats, { requests: sent.requests })
    expect(sent).toMatchObject({ requests: 1, stats: { delivered: 7, rejected: 3, dropped: NOTHING } })
  })

  test('splits a request in halves when the receiver refuses it as too large', async () => {
    const message = 'grpc: received message larger than max (2000 vs. 1000)'
    const sent = await send(
      ({ body }) => (body.length > 3000 ? { code: 'RESOURCE_EXHAUSTED', message, status: 413 } : {}),
      { records: 300 },
    )
    reportCounts(`request too large, ${protocol}`, sent.stats, { requests: sent.requests })
    expect(sent.stats).toMatchObject({ delivered: 300, dropped: NOTHING })
    expect(sent.requests).toBeGreaterThan(4)
  })

  test('drops each record once when the receiver refuses every request as too large', async () => {
    const message = 'grpc: received message larger than max (2000 vs. 1000)'
    const refusal = { code: 'RESOURCE_EXHAUSTED', message, status: 413 } as const
    const sent = await send(() => refusal, { records: 8 })
    reportCounts(`every request too large, ${protocol}`, sent.stats, { requests: sent.requests })
    expect(sent).toMatchObject({ requests: 15, stats: { delivered: 0, dropped: { too_large: 8 } } })
  })

  test('prints no token when the receiver repeats it in every answer', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    onTestFinished(() => stderr.mockRestore())
    const token = 'hunter2-hunter2'
    const answers: (GrpcAnswer & HttpAnswer)[] = [
      { code: 'UNAUTHENTICATED', status: 401, message: `no: ${token}`, body: Buffer.from(token) },
      { body: partialSuccess(1n, `no: ${token}`) },
      { code: 'UNAVAILABLE', status: 503, message: token, headers: { 'x-token': token } },
      { raw: Buffer.from(token) },
    ]
    for (const answer of answers) {
      let requests = 0
      await send(() => ((requests += 1) > 2 ? {} : answer), {
        headers: async () => ({ authorization: `Bearer ${token}` }),
      })
    }
    const text = stderr.mock.calls.join('\n')
    expect(text).toContain('logbridge: ')
    expect(text).not.toContain('hunter2')
  })
})

/** Configuration that accepts requests of up to 1 MiB. */
const SMALL = CONFIG.replace('GRPC_PORT}"', '$&, max_recv_msg_size_mib: 1').replace(
  'HTTP_PORT}"',
  '$&, max_request_body_size: 1048576',
)
