import { describe, expect, test } from 'vitest'
import { capturedWarnings, forgetLoggedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolveTelemetry } from '../../src/config/config.ts'
import type { ExporterConfig } from '../../src/config/exporter.ts'
import type { TelemetryOptions } from '../../src/config/options.ts'
import { type Env, resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'

describe('resolveEndpoint', () => {
  const exporter = (options: TelemetryOptions, env: Env = {}): ExporterConfig =>
    resolved('traces.exporter', options, env) as ExporterConfig
  const at = (options: TelemetryOptions, env: Env = {}): [string, boolean] => {
    const { url, tls } = exporter(options, env)
    return [url, tls !== undefined]
  }
  const HTTP = 'http/protobuf' as const

  test('returns localhost when neither option nor variable is set', () => {
    expect(at({})).toEqual(['http://localhost:4317', false])
    expect(at({ protocol: HTTP })).toEqual(['http://localhost:4318/v1/traces', false])
    expect(at({ tls: true })).toEqual(['https://localhost:4317', true])
  })

  test.each<[string, TelemetryOptions, string, boolean]>([
    ['http://c:4317', {}, 'http://c:4317', false],
    ['https://c:4317/', {}, 'https://c:4317', true],
    ['c:4317', {}, 'https://c:4317', true],
    ['c:4317', { tls: false }, 'http://c:4317', false],
    ['[::1]:4317', { tls: false }, 'http://[::1]:4317', false],
    ['dns:///c:4317', { tls: false }, 'dns:///c:4317', false],
    ['dns:///c:4317', {}, 'dns:///c:4317', true],
    ['unix:/run/c.sock', { tls: false }, 'unix:/run/c.sock', false],
    ['http://c:4318', { protocol: HTTP }, 'http://c:4318/v1/traces', false],
    ['https://c/otlp/?k=v', { protocol: HTTP }, 'https://c/otlp/v1/traces?k=v', true],
    ['http://c/a//', { protocol: HTTP }, 'http://c/a//v1/traces', false],
    ['http://c:4318', {}, 'http://c:4318/v1/traces', false],
    ['https://c/otlp', {}, 'https://c/otlp/v1/traces', true],
    ['https://c:4317/?k=v', {}, 'https://c:4317/v1/traces?k=v', true],
    ['dns:///c:4318', {}, 'dns:///c:4318', true],
    ['http://c:4318', { protocol: 'grpc' }, 'http://c:4318', false],
  ])('resolves an option or a variable when it is %s, with %j', (endpoint, options, url, secure) => {
    expect(at({ ...options, endpoint })).toEqual([url, secure])
    expect(at(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([url, secure])
    expect(warnings).toEqual([])
  })

  test('uses plain text when the endpoint has no scheme and OTEL_EXPORTER_OTLP_INSECURE is true', () => {
    const bare = { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' }
    expect(at({}, { ...bare, OTEL_EXPORTER_OTLP_INSECURE: 'TRUE' })).toEqual(['http://c:4317', false])
    const own = { OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'false', OTEL_EXPORTER_OTLP_INSECURE: 'true' }
    expect(at({}, { ...bare, ...own })).toEqual(['https://c:4317', true])
    expect(at({ tls: true }, { ...bare, OTEL_EXPORTER_OTLP_INSECURE: 'true' })).toEqual([
      'https://c:4317',
      true,
    ])
    expect(
      at({}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c:1', OTEL_EXPORTER_OTLP_INSECURE: 'true' }),
    ).toEqual(['https://c:1', true])
  })

  test('leaves an endpoint unchanged when it is set for one signal', () => {
    const env = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/custom',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
    }
    expect(at({ protocol: HTTP }, env)).toEqual(['http://t:1/custom', false])
    expect(resolved('logs.exporter.url', { protocol: HTTP }, env)).toBe('http://c:4318/v1/logs')
    expect(at({ protocol: HTTP, endpoint: 'http://o:1' }, env)).toEqual(['http://o:1/v1/traces', false])
    const both = { endpoint: 'http://o:1', traces: { endpoint: 'http://p:1/all' } }
    expect(at({ protocol: HTTP, ...both }, env)).toEqual(['http://p:1/all', false])
  })

  test.each<[string, TelemetryOptions, string, boolean, RegExp]>([
    ['http://c:4317/v1/traces', { protocol: 'grpc' }, 'http://c:4317', false, /its path is ignored/],
    ['https://c/hunter2/?k=hunter2', { protocol: 'grpc' }, 'https://c', true, /its path is ignored/],
    [
      'http://hunter2:hunter2@c:4317',
      { protocol: 'grpc' },
      'http://c:4317',
      false,
      /user name and password are ignored/,
    ],
    ['c:4317/', { protocol: 'grpc' }, 'https://c:4317', true, /^$/],
    ['c:4317/hunter2', { protocol: 'grpc', tls: false }, 'http://c:4317', false, /its path is ignored/],
    ['http://c:4318/v1/traces', {}, 'http://c:4318/v1/traces', false, /\/v1\/traces is removed/],
    ['http://c:4318/v1/logs//', {}, 'http://c:4318/v1/traces', false, /\/v1\/logs is removed/],
    ['https://c/a/v1/metrics', { protocol: HTTP }, 'https://c/a/v1/traces', true, /\/v1\/metrics is removed/],
  ])(
    'mends an option or a variable with a warning when it is %s, with %j',
    (endpoint, options, url, secure, warning) => {
      expect(at({ ...options, endpoint })).toEqual([url, secure])
      expect(warnings.join('\n')).toMatch(warning)
      forgetLoggedWarnings()
      warnings.length = 0
      expect(at(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([url, secure])
      expect(warnings.join('\n')).toMatch(warning)
      expect(warnings.join('\n')).not.toContain('hunter2')
    },
  )

  test.each([
    ['http://t:4318/v1/traces', 'http/protobuf', 'http://t:4318/v1/traces'],
    ['http://t:4318/v1/logs', 'http/protobuf', 'http://t:4318/v1/logs'],
    ['http://t:4317', 'grpc', 'http://t:4317'],
  ])('implies the protocol of one signal when no protocol is set: %s', (endpoint, protocol, url) => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }
    expect(exporter({}, env)).toMatchObject({ protocol, url })
    expect(exporter({ traces: { endpoint } })).toMatchObject({ protocol, url })
    expect(resolved('logs.exporter', {}, env)).toMatchObject({ protocol: 'grpc', url: 'http://c:4317' })
    expect(warnings).toEqual([])
  })

  test('names the quote when docker has left quotes around the variable', () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '"http://user:hunter2@c:4318"' }
    expect(resolved('traces.exporter', {}, env)).toBeUndefined()
    expect(warnings).toEqual([
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT begins with a quote (docker --env-file keeps quotes: leave them out); ' +
        'until then traces are not exported',
    ])
  })

  test.each<[string, TelemetryOptions]>([
    ['http://', {}],
    ['ftp://c', {}],
    ['grpc://c:4317', {}],
    ['grpc://c:4317', { protocol: 'grpc' }],
    ['http:/c:4317', { protocol: 'grpc' }],
    ['//c:4317', {}],
    ['http://c:99999', {}],
    ['c d', {}],
    ['c:4318', {}],
    ['c:4318', { protocol: HTTP }],
    ['https://user:hunter2@:1', { protocol: HTTP }],
    ['user:hunter2@c:4317', { protocol: 'grpc' }],
    ['dns:///', {}],
    ['ipv4:collector:4317', {}],
    ['unix:', { protocol: 'grpc' }],
  ])(
    'throws an error for an option, and stops the signal for a variable, when it is %s, with %j',
    (endpoint, options) => {
      const { message } = thrownBy(() => at({ ...options, endpoint }))
      expect(message).toMatch(/option endpoint is ('|a text of).*; set it to (http:|a URL)/)
      expect(thrownBy(() => at({ ...options, traces: { endpoint } })).message).toContain(
        'option traces.endpoint',
      )
      for (const signal of ['logs', 'traces', 'metrics'] as const) {
        warnings.length = 0
        const name = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
        const env = { [name]: endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://ok:1' }
        const config = resolveTelemetry(options, env)
        const started = [config.logs, config.traces, config.metrics].flatMap((one) =>
          one?.exporter ? [one.exporters] : [],
        )
        expect(started).toEqual([['otlp'], ['otlp']])
        expect(config[signal]).toMatchObject({ exporter: undefined, exporters: [] })
        expect(warnings).toEqual([expect.stringContaining(`${signal} are not exported`)])
        expect(warnings[0]).toContain(name)
        expect([message, ...warnings].join('\n')).not.toContain('hunter2')
      }
      warnings.length = 0
      const config = resolveTelemetry(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
      expect([config.logs, config.traces, config.metrics].map((one) => one?.exporter)).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      expect(warnings).toEqual([
        expect.stringMatching(/^OTEL_EXPORTER_OTLP_ENDPOINT is .* nothing is exported to it$/),
      ])
    },
  )

  test.each([
    ['c:4318', "is 'c:4318'; set it to http://c:4318 (or https://c:4318)"],
    ['grpc://c:4317', "is 'grpc://c:4317'; set it to http://host:port, https://host:port, "],
    ['ftp://user:hunter2@c', 'is a text of 20 characters; set it to http://host:port, '],
    ['http://c:99999/hunter2', 'is a text of 22 characters; set it to '],
  ])('names the value and what to set when it is %s', (endpoint, message) => {
    expect(thrownBy(() => at({ endpoint })).message).toContain(`option endpoint ${message}`)
    resolveTelemetry({}, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    expect(warnings).toEqual([expect.stringContaining(`OTEL_EXPORTER_OTLP_ENDPOINT ${message}`)])
  })

  test('throws an error when the scheme contradicts the option tls', () => {
    expect(thrownBy(() => at({ endpoint: 'http://c:1', tls: true })).message).toMatch(/write https:/)
    expect(thrownBy(() => at({ endpoint: 'https://c:1', tls: false })).message).toMatch(/write http:/)
    expect(
      thrownBy(() => at({ tls: { ca: PEM } }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:1' })).message,
    ).toContain('OTEL_EXPORTER_OTLP_ENDPOINT begins with http://')
  })
})
