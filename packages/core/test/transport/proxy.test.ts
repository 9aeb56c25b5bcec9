import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { type HttpProxy, startHttpProxy } from '@logbridge/test-support/httpProxy'
import { startGrpcReceiver, startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'
import { NOTHING } from '@logbridge/test-support/stats'
import { createLoggerProvider, type LoggerProviderOptions } from '../../src/index.ts'
import { resolveLogs } from '../../src/config/config.ts'
import { createGrpcTransport } from '../../src/transport/grpc.ts'
import { createHttpTransport } from '../../src/transport/http.ts'
import { bypassesProxy } from '../../src/transport/proxy.ts'
import { maskSecrets } from '../../src/transport/maskSecrets.ts'
import { collectSecrets } from '../../src/transport/secrets.ts'
import { run } from '../programs.ts'
import { exporterConfig, never, REQUEST } from './exporterConfig.ts'

const NAMES = ['http_proxy', 'https_proxy', 'grpc_proxy', 'no_proxy', 'no_grpc_proxy']
const warnings = capturedWarnings()
afterEach(() => vi.unstubAllEnvs())

/** Starts a proxy without the variables of this machine, and closes the proxy after the test. */
async function proxied(options: Parameters<typeof startHttpProxy>[0] = {}): Promise<HttpProxy> {
  for (const name of NAMES) {
    vi.stubEnv(name, undefined)
    vi.stubEnv(name.toUpperCase(), undefined)
  }
  const proxy = await startHttpProxy(options)
  onTestFinished(() => proxy.close())
  return proxy
}

function withCredentials({ port }: HttpProxy): string {
  return `http://ada:pass%20word@127.0.0.1:${port}`
}

let own: { cert: string; key: string }
beforeAll(async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'logbridge test' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  own = { cert, key }
})

/** Emits one record and shuts down. */
async function emit(options: LoggerProviderOptions): Promise<number> {
  const provider = createLoggerProvider({ register: false, ...options })
  provider.getLogger('shop').emit({ body: 'order placed' })
  await provider.shutdown(2000)
  return provider.stats().delivered
}

describe.each([
  ['grpc', 'plain text', startGrpcReceiver],
  ['grpc', 'TLS', startGrpcReceiver],
  ['http/protobuf', 'plain text', startHttpReceiver],
  ['http/protobuf', 'TLS', startHttpReceiver],
] as const)('%s with %s', (protocol, security, start) => {
  async function receive() {
    const receiver = await start(security === 'TLS' ? own : undefined)
    onTestFinished(() => receiver.close())
    const endpoint = `${security === 'TLS' ? 'https' : 'http'}://localhost:${receiver.port}`
    const tls = security === 'TLS' ? { ca: own.cert } : undefined
    const requestLine =
      protocol === 'http/protobuf' && security === 'plain text'
        ? `POST ${endpoint}/v1/logs`
        : `CONNECT localhost:${receiver.port}`
    return { receiver, requestLine, options: { endpoint, protocol, tls } }
  }

  test('createLoggerProvider sends through the proxy when the option proxy has a URL with credentials', async () => {
    const proxy = await proxied({ credentials: 'ada:pass word' })
    const { receiver, requestLine, options } = await receive()
    expect(await emit({ ...options, proxy: withCredentials(proxy) })).toBe(1)
    expect(proxy.seen).toEqual([requestLine])
    expect(receiver.requests).toHaveLength(1)
    expect(receiver.requests[0]!.headers['proxy-authorization']).toBeUndefined()
  })

  test('createLoggerProvider sends past the proxy when no_proxy has the receiver, or the option is false', async () => {
    const proxy = await proxied()
    const { receiver, options } = await receive()
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, proxy.url)
    expect(await emit({ ...options, proxy: false })).toBe(1)
    vi.stubEnv('NO_PROXY', 'example.com, localhost')
    expect(await emit(options)).toBe(1)
    expect(await emit({ ...options, proxy: proxy.url })).toBe(1)
    expect(proxy.seen).toEqual([])
    expect(receiver.requests).toHaveLength(3)
  })

  test('createLoggerProvider reports the proxy and keeps records when the proxy answers 407', async () => {
    const proxy = await proxied({ credentials: 'ada:pass word' })
    const { options } = await receive()
    const provider = createLoggerProvider({ register: false, ...options, proxy: proxy.url })
    provider.getLogger('shop').emit({ body: 'order placed' })
    await provider.forceFlush(2000)
    const { queued, inFlight, dropped } = provider.stats()
    expect([queued + inFlight, dropped]).toEqual([1, NOTHING])
    await provider.shutdown(0)
    expect(proxy.seen.length).toBeGreaterThan(0)
    expect(warnings.join('\n')).toContain(`proxy ${proxy.url}`)
    expect(warnings.join('\n')).not.toContain('undefined')
  })

  test('createLoggerProvider names the proxy when the proxy is unreachable', async () => {
    await proxied()
    const { options } = await receive()
    await emit({ ...options, proxy: 'http://127.0.0.1:1', timeoutMillis: 500 })
    expect(warnings.join('\n')).toContain('proxy http://127.0.0.1:1')
    expect(warnings.join('\n')).not.toContain('undefined')
  })

  test('flushOnExit sends through the proxy when the option proxy has a URL', async () => {
    const proxy = await proxied({ credentials: 'ada:pass word' })
    const { receiver, requestLine, options } = await receive()
    const given = JSON.stringify({ ...options, proxy: withCredentials(proxy), flushOnExit: true })
    const ended = await run(`
      import { createLoggerProvider } from '@logbridge/core'
      createLoggerProvider(${given}).getLogger('shop').emit({ body: 'order placed' })
      process.exit(3)
    `)
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    expect(proxy.seen).toEqual([requestLine])
    expect(receiver.requests).toHaveLength(1)
  })

  test('createLoggerProvider sends through a proxy with TLS when the option proxy begins with https://', async () => {
    const proxy = await proxied({ tls: own })
    const folder = mkdtempSync(join(tmpdir(), 'logbridge-proxy-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'ca.pem'), own.cert)
    const { receiver, requestLine, options } = await receive()
    const code = `
      import { createLoggerProvider } from '@logbridge/core'
      const provider = createLoggerProvider(${JSON.stringify({ ...options, proxy: proxy.url })})
      provider.getLogger('shop').emit({ body: 'order placed' })
      await provider.shutdown()
    `
    const ended = await run(code, { env: { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') } })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(proxy.seen).toEqual([requestLine])
    expect(receiver.requests).toHaveLength(1)
  })
})

describe('createHttpTransport', () => {
  test.each([
    ['NODE_USE_ENV_PROXY is 1', { NODE_USE_ENV_PROXY: '1' }, [], ''],
    ['node has --use-env-proxy', {}, ['--use-env-proxy'], ''],
    [
      'the application calls http.setGlobalProxyFromEnv',
      {},
      [],
      "(await import('node:http')).default.setGlobalProxyFromEnv()",
    ],
  ])('uses the proxy of the variables when %s', async (_, env, execArgv, setUp) => {
    const proxy = await proxied()
    const receiver = await startHttpReceiver()
    onTestFinished(() => receiver.close())
    const code = `
      import { createLoggerProvider } from '@logbridge/core'
      ${setUp}
      const provider = createLoggerProvider({ endpoint: 'http://localhost:${receiver.port}', protocol: 'http/protobuf' })
      provider.getLogger('shop').emit({ body: 'order placed' })
      await provider.shutdown()
    `
    const proxyEnv = { http_proxy: proxy.url }
    expect(await run(code, { env: { ...proxyEnv, ...env }, execArgv })).toMatchObject({ code: 0, stderr: '' })
    expect(proxy.seen).toEqual([`POST http://localhost:${receiver.port}/v1/logs`])
    // Without a flag, Node.js uses no proxy.
    await run(code.replace(setUp || '\0', ''), { env: proxyEnv })
    expect(proxy.seen).toHaveLength(1)
    expect(receiver.requests).toHaveLength(2)
  })

  test('sends with the agent of the application, which stays open, when the option agent is given', async () => {
    await proxied()
    const receiver = await startHttpReceiver()
    onTestFinished(() => receiver.close())
    const agent = new http.Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    const options = { endpoint: receiver.url, protocol: 'http/protobuf', agent } as const
    expect(await emit(options)).toBe(1)
    expect(await emit(options)).toBe(1)
    expect(receiver.connections).toBe(1)
  })

  test('is retryable and names the proxy when the proxy answers 407, and failed when the receiver does', async () => {
    const proxy = await proxied({ credentials: 'ada:pass word' })
    const receiver = await startHttpReceiver()
    receiver.answer = () => ({ status: 407 })
    onTestFinished(() => receiver.close())
    const config = { protocol: 'http/protobuf' as const }
    const behind = createHttpTransport(
      exporterConfig(`${receiver.url}/v1/logs`, {
        ...config,
        proxy: 'http://eve:guess@' + proxy.url.slice(7),
      }),
    )
    const direct = createHttpTransport(exporterConfig(`${receiver.url}/v1/logs`, config))
    onTestFinished(() => [behind, direct].forEach((each) => each.close()))
    expect(await behind.send(REQUEST, never)).toEqual({
      kind: 'retryable',
      status: 407,
      reason: `HTTP 407: proxy ${proxy.url} refuses the user name and the password in its URL`,
    })
    expect(await direct.send(REQUEST, never)).toEqual({ kind: 'failed', reason: 'HTTP 407', status: 407 })
  })

  test('names the proxy when its answer has no message of the receiver', async () => {
    const proxy = await proxied()
    const receiver = await startHttpReceiver()
    receiver.answer = () => ({ status: 403 })
    onTestFinished(() => receiver.close())
    const transport = createHttpTransport(
      exporterConfig(`${receiver.url}/v1/logs`, { protocol: 'http/protobuf', proxy: proxy.url }),
    )
    onTestFinished(() => transport.close())
    expect(await transport.send(REQUEST, never)).toEqual({
      kind: 'failed',
      status: 403,
      reason: `HTTP 403 (proxy ${proxy.url})`,
    })
  })

  test('names the proxy without a hint about the receiver when the proxy speaks no HTTP', async () => {
    await proxied()
    const receiver = await startHttpReceiver()
    receiver.answer = () => ({ raw: 'SSH-2.0-OpenSSH_9.2\r\n' })
    onTestFinished(() => receiver.close())
    const transport = createHttpTransport(
      exporterConfig('http://receiver.example/v1/logs', { protocol: 'http/protobuf', proxy: receiver.url }),
    )
    onTestFinished(() => transport.close())
    expect(await transport.send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: `HTTP request failed: HPE_INVALID_CONSTANT (proxy ${receiver.url})`,
    })
  })

  test('names the proxy when the proxy refuses a tunnel', async () => {
    const proxy = await proxied({ status: 403 })
    const transport = createHttpTransport(
      exporterConfig('https://localhost:1/v1/logs', { protocol: 'http/protobuf', proxy: proxy.url, tls: {} }),
    )
    onTestFinished(() => transport.close())
    expect(await transport.send(REQUEST, never)).toEqual({
      kind: 'retryable',
      reason: `HTTP request failed: proxy ${proxy.url} answered 403`,
    })
  })
})

test('createGrpcTransport ignores a variable and warns once when the variable is no URL of an HTTP proxy', async () => {
  await proxied()
  vi.stubEnv('grpc_proxy', 'socks5://ada:password@127.0.0.1:1080')
  const receiver = await startGrpcReceiver()
  onTestFinished(() => receiver.close())
  const transport = createGrpcTransport(exporterConfig(receiver.url))
  onTestFinished(() => transport.close())
  expect(await transport.send(REQUEST, never)).toMatchObject({ kind: 'delivered' })
  expect(warnings).toEqual([
    'grpc_proxy is ignored: its value is not a URL that begins with http:// or https://',
  ])
})

test('collectSecrets has the credentials of a proxy when the option proxy or the global agent has them', async () => {
  await proxied()
  const original = http.globalAgent
  onTestFinished(() => void (http.globalAgent = original))
  const proxyEnv = { HTTP_PROXY: 'http://ada:agentsecret@proxy:3128' }
  http.globalAgent = Object.assign(new http.Agent(), { options: { proxyEnv } })
  const secrets = collectSecrets(
    exporterConfig('http://receiver', { proxy: 'http://ada:optionsecret@proxy:3128' }),
    {},
  )
  expect(maskSecrets('agentsecret and optionsecret', secrets)).toBe('*** and ***')
})

test.each<[string, string, boolean]>([
  ['example.com', 'example.com', true],
  ['example.com', 'shop.example.com', true],
  ['example.com', 'myexample.com', false],
  ['.example.com', 'shop.example.com', true],
  ['*.example.com', 'shop.example.com', true],
  ['example.com:4317', 'example.com', true],
  ['example.com:4318', 'example.com', false],
  ['EXAMPLE.com', 'example.COM', true],
  ['one.com two.com', 'two.com', true],
  ['*', 'example.com', true],
  ['', 'example.com', false],
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '11.1.2.3', false],
  ['10.0.0.0/99', '10.1.2.3', false],
  ['10.0.0.1-10.0.0.9', '10.0.0.5', true],
  ['10.0.0.9-10.0.0.1', '10.0.0.5', false],
  ['::1', '::1', true],
  ['[::1]', '::1', true],
  ['[::1]:4317', '::1', true],
  ['0:0:0:0:0:0:0:1', '::1', true],
  ['fd00::/8', 'fd12::1', true],
  ['[fd00::]/8', 'fd12::1', true],
  ['10.0.0.1/', '10.0.0.2', false],
  ['0.0.0.0/0', '10.0.0.2', true],
  ['10.0.0.1-', '10.0.0.2', false],
  ['fd00::/8', '10.0.0.1', false],
])('bypassesProxy reads the list %j for %s as %s', (list, host, expected) => {
  expect(bypassesProxy({ host, port: 4317 }, list)).toBe(expected)
})

test.each<[LoggerProviderOptions, RegExp]>([
  [{ proxy: 'proxy.example.com:3128' }, /option proxy .*false, or a URL that begins with http:/],
  [{ proxy: 'socks5://ada:password@proxy' }, /option proxy /],
  [{ agent: {} as never }, /option agent .*an Agent of node:http/],
  [{ agent: new http.Agent() }, /option agent needs the protocol http\/protobuf/],
  [{ agent: new http.Agent(), protocol: 'http/protobuf', proxy: false }, /set one of them/],
])('resolveLogs throws INVALID_OPTION when the options are %o', (options, message) => {
  expect(() => resolveLogs(options, {})).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  expect(() => resolveLogs(options, {})).toThrow(message)
  expect(() => resolveLogs(options, {})).not.toThrow(/password/)
})
