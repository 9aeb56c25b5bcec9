import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolveTelemetry } from '../../src/config/config.ts'
import type { TelemetryOptions } from '../../src/config/options.ts'
import { type Env, resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'

describe('resolveExporter', () => {
  test('throws an error when a header belongs to the connection, because HTTP/2 rejects such requests', () => {
    for (const name of ['Connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te']) {
      const { message } = thrownBy(() => resolved('logs', { headers: { [name]: 'x' } }, {}))
      expect(message).toContain('headers')
    }
  })

  const secret = 'Bearer hunter2'

  test('shows no value when headers are invalid', () => {
    resolved('logs', {}, { OTEL_EXPORTER_OTLP_HEADERS: secret })
    const { message } = thrownBy(() => resolved('logs', { headers: { a: `${secret}\n` } }, {}))
    expect([...warnings, message].join('\n')).not.toContain('hunter2')
    expect(warnings).toHaveLength(1)
  })

  test('keeps headers when they are a function', () => {
    const headers = async (): Promise<Record<string, string>> => ({})
    expect(resolved('traces.exporter.headers', { headers }, {})).toBe(headers)
  })

  test.each([{ 'a b': 'x' }, { 'trace-bin': 'x' }, { a: 'ü' }, { a: 1 }])(
    'throws an error when a header cannot be sent: %j',
    (headers) => {
      thrownBy(() => resolved('logs', { headers: headers as never }, {}))
    },
  )

  const folder = mkdtempSync(join(tmpdir(), 'logbridge-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = (name: string): string => {
    writeFileSync(join(folder, name), `${name}\n`)
    return join(folder, name)
  }
  const tls = (options: TelemetryOptions, env: Env = {}): unknown =>
    resolved('metrics.exporter.tls', { endpoint: 'https://c:1', ...options }, env)

  test('keeps the contents when PEM text or a Buffer is given', () => {
    expect(tls({ tls: { ca: PEM, cert: Buffer.from('c'), key: PEM } })).toEqual({
      ca: Buffer.from(PEM),
      cert: Buffer.from('c'),
      key: Buffer.from(PEM),
    })
    expect(tls({})).toEqual({})
    expect(tls({ endpoint: 'http://c:1' })).toBeUndefined()
  })

  test('reads files when variables name them, after options, and the variable of the signal first', () => {
    const env = {
      OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: path('own-ca'),
      OTEL_EXPORTER_OTLP_CERTIFICATE: path('ca'),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: path('cert'),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: path('key'),
    }
    const pair = { cert: Buffer.from('cert\n'), key: Buffer.from('key\n') }
    const files = { cert: join(folder, 'cert'), key: join(folder, 'key') }
    expect(tls({}, env)).toEqual({
      ...pair,
      ca: Buffer.from('own-ca\n'),
      files: { ...files, ca: join(folder, 'own-ca') },
    })
    expect(tls({ tls: { ca: PEM } }, env)).toEqual({ ...pair, ca: Buffer.from(PEM), files })
    expect(tls({ tls: { caFile: path('mine') } }, env)).toMatchObject({ ca: Buffer.from('mine\n') })
    expect(tls({ endpoint: 'http://c:1' }, env)).toBeUndefined()
    expect(warnings).toEqual([])
  })

  test('reads files when paths are given, and throws an error when both path and contents are given', () => {
    const files = { caFile: path('ca'), certFile: path('cert'), keyFile: relative('.', path('key')) }
    expect(tls({ tls: files })).toEqual({
      ca: Buffer.from('ca\n'),
      cert: Buffer.from('cert\n'),
      key: Buffer.from('key\n'),
      files: { ca: join(folder, 'ca'), cert: join(folder, 'cert'), key: join(folder, 'key') },
    })
    expect(tls({ tls: { cert: PEM, keyFile: path('key') } })).toMatchObject({ cert: Buffer.from(PEM) })
    expect(thrownBy(() => tls({ tls: { ca: PEM, caFile: path('ca') } })).message).toContain(
      'has both ca and caFile',
    )
    expect(thrownBy(() => tls({ tls: { caFile: join(folder, 'absent') } })).message).toContain(
      'tls.caFile is not a file that can be read',
    )
  })

  test.each([
    [{ caFile: '/absent/ca.pem' }, 'https://a', 'option logs.tls.caFile is not a file that can be read'],
    [{ ca: PEM, caFile: '/absent/ca.pem' }, 'https://a', 'option logs.tls has both'],
    [{ cert: PEM }, 'https://a', 'option logs.tls has no client key'],
    [true, 'http://a', 'option logs.tls is set'],
    [false, 'https://a', 'option logs.tls is false'],
  ])('names the tls option by its path when it is invalid for one signal: %j', (given, endpoint, message) => {
    const resolve = (): unknown => resolveTelemetry({ endpoint, logs: { tls: given } }, {})
    expect(thrownBy(resolve).message).toContain(message)
  })

  test('ignores a variable with a warning when its file cannot be read', () => {
    expect(tls({}, { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, 'absent') })).toEqual({})
    expect(warnings).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_CERTIFICATE is ignored')])
  })

  test('uses the variables of gRPC for authorities and ciphers when the protocol is grpc', () => {
    const env = {
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: path('roots'),
      GRPC_SSL_CIPHER_SUITES: 'ECDHE-RSA-AES128-GCM-SHA256',
    }
    const ciphers = env.GRPC_SSL_CIPHER_SUITES
    const file = (name: string) => ({ ca: Buffer.from(`${name}\n`), files: { ca: path(name) } })
    expect(tls({ protocol: 'grpc' }, env)).toEqual({ ...file('roots'), ciphers })
    expect(tls({ protocol: 'grpc', tls: { ca: PEM } }, env)).toEqual({ ca: Buffer.from(PEM), ciphers })
    expect(tls({ protocol: 'grpc' }, { ...env, OTEL_EXPORTER_OTLP_CERTIFICATE: path('ca') })).toEqual({
      ...file('ca'),
      ciphers,
    })
    expect(tls({ protocol: 'http/protobuf' }, env)).toEqual({})
    expect(warnings).toEqual([])
  })

  test('ignores the variables of gRPC with a warning when they are invalid', () => {
    const env = {
      GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: join(folder, 'absent'),
      GRPC_SSL_CIPHER_SUITES: 'none of these',
    }
    expect(tls({ protocol: 'grpc' }, env)).toEqual({})
    expect(warnings).toEqual([
      expect.stringContaining('GRPC_DEFAULT_SSL_ROOTS_FILE_PATH is ignored'),
      expect.stringContaining('GRPC_SSL_CIPHER_SUITES is ignored'),
    ])
  })

  test('throws an error, or warns for variables, when a client certificate has no key', () => {
    expect(thrownBy(() => tls({ tls: { cert: PEM } })).message).toContain('has no client key')
    expect(thrownBy(() => tls({ tls: { keyFile: path('key') } })).message).toContain(
      'has no client certificate',
    )
    expect(tls({}, { OTEL_EXPORTER_OTLP_CLIENT_KEY: path('key') })).toEqual({})
    expect(warnings).toEqual([expect.stringContaining('mutual TLS is off')])
  })

  test.each([
    [{ tls: { ca: '/a/path.pem' } }, 'has a value of ca that is not the contents of a PEM file'],
    [{ tls: { caFile: 7 } }, 'has a value of caFile that is not a non-empty string'],
    [{ tls: { pfx: PEM } }, 'has an unknown option pfx'],
    [{ tls: 'yes' }, 'is a string of 3 characters'],
  ])('throws an error when the tls option is %j', (options, problem) => {
    const { message } = thrownBy(() => tls(options as never))
    expect(message).toContain(`option tls ${problem}; it accepts`)
    expect(message).not.toContain('path.pem')
  })
})

test('resolveTelemetry uses http/protobuf with one warning when OTEL_EXPORTER_OTLP_PROTOCOL is http/json', () => {
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  for (const signal of ['logs', 'traces', 'metrics']) {
    expect(resolved(`${signal}.exporter.protocol`, {}, env)).toBe('http/protobuf')
  }
  expect(warnings).toEqual([expect.stringContaining('http/json is not supported; http/protobuf')])
})

test('resolveExporter has no limit for an attempt or an export when a timeout is 0', () => {
  const none = 2 ** 31 - 1
  expect(resolved('logs.exporter.timeoutMillis', {}, { OTEL_EXPORTER_OTLP_TIMEOUT: '0' })).toBe(none)
  expect(resolved('traces.exporter.timeoutMillis', { timeoutMillis: 0 }, {})).toBe(none)
  const env = {
    OTEL_BLRP_EXPORT_TIMEOUT: '0',
    OTEL_BSP_EXPORT_TIMEOUT: '0',
    OTEL_METRIC_EXPORT_TIMEOUT: '0',
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
  }
  expect(resolved('logs.exportTimeoutMillis', {}, env)).toBe(none)
  expect(resolved('traces.exportTimeoutMillis', {}, env)).toBe(none)
  expect(resolved('metrics.exportTimeoutMillis', {}, env)).toBe(5000)
  // A flush keeps a limit.
  expect(resolved('logs.flushTimeoutMillis', {}, env)).toBe(30_000)
  expect(warnings).toEqual([])
})
