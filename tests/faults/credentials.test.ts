import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createLoggerProvider } from '@logbridge/core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  partialSuccess,
  type ReceivedRequest,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'

// Child processes, whose whole output is searched: thrown errors, onDrop, stats(), and everything of OpenTelemetry's diag logger.

const PROGRAM = fileURLToPath(new URL('../fixtures/credentials.mjs', import.meta.url))
const TOKEN = 'kRq7Zt-not-to-be-seen-v3Xw9'
const TIMES_OUT = 'silent'

/** Answers that fail an export and repeat the received credentials. */
const answers: ((seen: string) => { grpc: object; http: object })[] = [
  (seen) => ({
    grpc: { code: 'UNAUTHENTICATED', message: `who is ${seen}?` },
    http: { status: 401, body: seen },
  }),
  (seen) => ({
    grpc: { code: 'UNAVAILABLE', message: `not now, ${seen}` },
    http: { status: 503, body: seen },
  }),
  (seen) => {
    const body = partialSuccess(1n, `not from ${seen}`)
    return { grpc: { body }, http: { body } }
  },
  (seen) => ({ grpc: { raw: Buffer.from(seen) }, http: { raw: `${seen}\r\n\r\n` } }),
  (seen) => ({
    grpc: { httpStatus: 500, message: seen },
    http: { status: 302, headers: { location: `/${seen}` } },
  }),
  () => ({ grpc: { fault: TIMES_OUT }, http: { fault: TIMES_OUT } }),
  () => ({ grpc: { fault: 'disconnect' }, http: { fault: 'disconnect' } }),
]

/** Places of credentials. Some run with `pnpm test`, all with `pnpm test:faults`. */
const PLACEMENTS: { placement: string; env?: Record<string, string>; tags?: string[] }[] = [
  { placement: 'option' },
  { placement: 'function that throws' },
  { placement: 'url' },
  ...[
    { placement: 'option with a newline' },
    { placement: 'option that is no object' },
    { placement: 'function' },
    { placement: 'function that rejects' },
    { placement: 'function that gives a newline' },
    { placement: 'function that gives a wrong name' },
    { placement: 'variable', env: { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${TOKEN}` } },
    { placement: 'variable', env: { OTEL_EXPORTER_OTLP_HEADERS: TOKEN } },
    { placement: 'variable', env: { OTEL_EXPORTER_OTLP_HEADERS: `authorization=${TOKEN}%0A` } },
    { placement: 'variable', env: { OTEL_EXPORTER_OTLP_ENDPOINT: `ftp://user:${TOKEN}@127.0.0.1` } },
    { placement: 'url that is none' },
    { placement: 'url with a path' },
    { placement: 'key' },
    { placement: 'key that is none' },
  ].map((each) => ({ ...each, tags: ['long'] })),
]

describe.each(['grpc', 'http/protobuf'] as const)('over %s', (protocol) => {
  const receivers: { url: string; close(): Promise<void> }[] = []
  beforeAll(async () => {
    for (const answer of answers) {
      const authorizationOf = ({ headers }: ReceivedRequest): string =>
        headers.authorization ?? 'no authorization'
      if (protocol === 'grpc') {
        const receiver = await startGrpcReceiver()
        receiver.answer = (request) => answer(authorizationOf(request)).grpc
        receivers.push(receiver)
      } else {
        const receiver = await startHttpReceiver()
        receiver.answer = (request) => answer(authorizationOf(request)).http
        receivers.push(receiver)
      }
    }
  })
  afterAll(() => Promise.all(receivers.map((receiver) => receiver.close())))

  for (const { placement, env = {}, tags = [] } of PLACEMENTS)
    test(
      `core prints no credentials when they are in ${[placement, ...Object.keys(env)].join(', ')}`,
      { tags },
      async () => {
        const urls = receivers.map(({ url }) => url)
        // The first endpoint has no listener; the last uses TLS with a receiver that has none.
        const endpoints = ['http://127.0.0.1:1', ...urls, urls[0]!.replace('http:', 'https:')]
        const { stdout, stderr } = await promisify(execFile)(
          process.execPath,
          [PROGRAM, JSON.stringify({ placement, protocol, token: TOKEN, endpoints })],
          { env: { ...process.env, OTEL_LOG_LEVEL: 'all', ...env }, maxBuffer: 2 ** 26 },
        )
        const printed = `${stdout}\n${stderr}`
        expect(stdout).toMatch(/done\n$/)
        // Every attempt ended and reported its failure.
        expect(stdout.match(/^(stats|thrown LogbridgeError)/gm)).toHaveLength(endpoints.length + 4)
        expect(printed).toMatch(/LogbridgeError|logbridge: /)
        const forms = [TOKEN, Buffer.from(`user:${TOKEN}`).toString('base64'), TOKEN.slice(0, 12)]
        const leaks = printed.split('\n').filter((line) => forms.some((form) => line.includes(form)))
        expect(leaks).toEqual([])
      },
    )
})

test('core sends credentials of a URL as basic authorization over HTTP', async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  const endpoint = receiver.url.replace('://', '://us%40er:pass%25word@')
  const provider = createLoggerProvider({ endpoint, protocol: 'http/protobuf', register: false })
  provider.getLogger('shop').emit({ body: 'hello' })
  await provider.shutdown()
  const [{ headers }] = receiver.requests as [ReceivedRequest]
  expect(headers.authorization).toBe(`Basic ${Buffer.from('us@er:pass%word').toString('base64')}`)
})
