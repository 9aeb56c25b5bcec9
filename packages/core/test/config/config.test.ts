import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { LogbridgeError } from '@logbridge/bridge'
import { DiagLogLevel } from '@opentelemetry/api'
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace'
import { afterAll, describe, expect, test } from 'vitest'
import type { ExporterConfig } from '../../src/config/exporter.ts'
import { resolveLogs, resolveTelemetry } from '../../src/config/config.ts'
import type { TelemetryOptions } from '../../src/config/options.ts'
import { capturedWarnings, forgetLoggedWarnings } from '@logbridge/test-support/capturedWarnings'

const warnings = capturedWarnings()

type Env = Record<string, string>

/** Resolves options and variables, and returns the value at a path of the configuration. */
function resolved(path: string, options: TelemetryOptions, env: Env): unknown {
  let value: unknown = resolveTelemetry(options, env)
  for (const name of path.split('.')) value = (value as Record<string, unknown>)[name]
  return value
}

function optionsAt(path: string, value: unknown): TelemetryOptions {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as TelemetryOptions
}

function thrownBy(run: () => unknown): LogbridgeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LogbridgeError)
    expect((error as LogbridgeError).code).toBe('INVALID_OPTION')
    return error as LogbridgeError
  }
  throw new Error('expected an error')
}

interface Row {
  /** Path of the resolved value. Also the path of the option, unless `option` names it. */
  path: string
  option?: string
  /** Variables in order of precedence. */
  variables?: string[]
  defaultValue: unknown
  /** Two valid texts of a variable, each followed by its value. */
  texts?: [string, unknown, string, unknown]
  invalid?: string
  given: unknown
  invalidOption: unknown
}

const otlp = (signal: string, name: string): string[] => [
  `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
  `OTEL_EXPORTER_OTLP_${name}`,
]
const numbers: [string, unknown, string, unknown] = ['70', 70, '80', 80]
const limitRow = (path: string, defaultValue: number, ...variables: string[]): Row => ({
  path,
  variables,
  defaultValue,
  texts: ['0', 0, '7', 7],
  invalid: '-1',
  given: 9,
  invalidOption: 1.5,
})

const ROWS: Row[] = [
  ...(['logs', 'traces', 'metrics'] as const).flatMap((signal): Row[] => [
    {
      path: `${signal}.exporter.protocol`,
      option: `${signal}.protocol`,
      variables: otlp(signal, 'PROTOCOL'),
      defaultValue: 'grpc',
      texts: ['http/protobuf', 'http/protobuf', 'grpc', 'grpc'],
      invalid: 'smtp',
      given: 'http/protobuf',
      invalidOption: 'http/json',
    },
    {
      path: `${signal}.exporter.compression`,
      option: `${signal}.compression`,
      variables: otlp(signal, 'COMPRESSION'),
      defaultValue: 'none',
      texts: ['gzip', 'gzip', 'none', 'none'],
      invalid: 'zip',
      given: 'gzip',
      invalidOption: 'deflate',
    },
    {
      path: `${signal}.exporter.timeoutMillis`,
      option: `${signal}.timeoutMillis`,
      variables: otlp(signal, 'TIMEOUT'),
      defaultValue: 10_000,
      texts: numbers,
      invalid: '10s',
      given: 5,
      invalidOption: 0,
    },
    {
      path: `${signal}.exporter.headers`,
      option: `${signal}.headers`,
      variables: otlp(signal, 'HEADERS'),
      defaultValue: {},
      texts: ['a=1,b=x%20y%3D', { a: '1', b: 'x y=' }, 'c=3', { c: '3' }],
      invalid: 'not-a-pair',
      given: { authorization: 'Bearer t' },
      invalidOption: { authorization: 'line\nbreak' },
    },
  ]),
  {
    path: 'logs.maxQueueSize',
    variables: ['OTEL_BLRP_MAX_QUEUE_SIZE'],
    defaultValue: undefined,
    texts: numbers,
    invalid: '0',
    given: 5,
    invalidOption: 0,
  },
  { path: 'logs.maxQueueBytes', defaultValue: 67_108_864, given: 5, invalidOption: '5' },
  {
    path: 'logs.maxExportBatchSize',
    variables: ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'],
    defaultValue: undefined,
    texts: numbers,
    invalid: 'many',
    given: 5,
    invalidOption: -1,
  },
  {
    path: 'logs.scheduledDelayMillis',
    variables: ['OTEL_BLRP_SCHEDULE_DELAY'],
    defaultValue: 1000,
    texts: ['0', 0, '80', 80],
    invalid: '-5',
    given: 5,
    invalidOption: Number.NaN,
  },
  {
    path: 'logs.exportTimeoutMillis',
    variables: ['OTEL_BLRP_EXPORT_TIMEOUT'],
    defaultValue: 30_000,
    texts: numbers,
    invalid: '0',
    given: 5,
    invalidOption: Infinity,
  },
  { path: 'logs.minimumSeverity', defaultValue: 0, given: 13, invalidOption: 25 },
  { path: 'logs.processors', defaultValue: [], given: [{ onEmit() {} }], invalidOption: [{}] },
  limitRow(
    'logs.limits.attributeCountLimit',
    128,
    'OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
    'OTEL_ATTRIBUTE_COUNT_LIMIT',
  ),
  limitRow(
    'logs.limits.attributeValueLengthLimit',
    Infinity,
    'OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  ),
  {
    path: 'traces.sampler',
    defaultValue: undefined,
    given: new AlwaysOnSampler(),
    invalidOption: 'always_on',
  },
  {
    path: 'traces.maxQueueSize',
    variables: ['OTEL_BSP_MAX_QUEUE_SIZE'],
    defaultValue: 2048,
    texts: ['5120', 5120, '900', 900],
    invalid: '2e3',
    given: 5120,
    invalidOption: 1.5,
  },
  {
    path: 'traces.maxExportBatchSize',
    variables: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
    defaultValue: 512,
    texts: numbers,
    invalid: '0',
    given: 1024,
    invalidOption: '1024',
  },
  {
    path: 'traces.scheduledDelayMillis',
    variables: ['OTEL_BSP_SCHEDULE_DELAY'],
    defaultValue: 5000,
    texts: ['0', 0, '80', 80],
    invalid: 'soon',
    given: 2000,
    invalidOption: -1,
  },
  {
    path: 'traces.exportTimeoutMillis',
    variables: ['OTEL_BSP_EXPORT_TIMEOUT'],
    defaultValue: 30_000,
    texts: numbers,
    invalid: '99999999999',
    given: 10_000,
    invalidOption: 0,
  },
  { path: 'traces.processors', defaultValue: [], given: [{ onEnd() {} }], invalidOption: {} },
  limitRow(
    'traces.limits.attributeCountLimit',
    128,
    'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
    'OTEL_ATTRIBUTE_COUNT_LIMIT',
  ),
  limitRow(
    'traces.limits.attributeValueLengthLimit',
    Infinity,
    'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
    'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  ),
  limitRow('traces.limits.eventCountLimit', 128, 'OTEL_SPAN_EVENT_COUNT_LIMIT'),
  limitRow('traces.limits.linkCountLimit', 128, 'OTEL_SPAN_LINK_COUNT_LIMIT'),
  limitRow('traces.limits.attributePerEventCountLimit', 128, 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'),
  limitRow('traces.limits.attributePerLinkCountLimit', 128, 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'),
  {
    path: 'metrics.exportIntervalMillis',
    variables: ['OTEL_METRIC_EXPORT_INTERVAL'],
    defaultValue: 60_000,
    texts: numbers,
    invalid: '0',
    given: 5000,
    invalidOption: 0,
  },
  {
    path: 'metrics.exportTimeoutMillis',
    variables: ['OTEL_METRIC_EXPORT_TIMEOUT'],
    defaultValue: 30_000,
    texts: numbers,
    invalid: '1.5',
    given: 5000,
    invalidOption: 'x',
  },
  { path: 'metrics.views', defaultValue: [], given: [{ instrumentName: 'x' }], invalidOption: {} },
  { path: 'metrics.readers', defaultValue: [], given: [{ collect() {} }], invalidOption: [1] },
  {
    path: 'metrics.temporalityPreference',
    variables: ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
    defaultValue: 'cumulative',
    texts: ['DELTA', 'delta', 'lowmemory', 'lowmemory'],
    invalid: 'high',
    given: 'delta',
    invalidOption: 'high',
  },
  {
    path: 'metrics.prometheus.port',
    variables: ['OTEL_EXPORTER_PROMETHEUS_PORT'],
    defaultValue: 9464,
    texts: numbers,
    invalid: '70000',
    given: 1234,
    invalidOption: 0,
  },
  {
    path: 'metrics.prometheus.host',
    variables: ['OTEL_EXPORTER_PROMETHEUS_HOST'],
    defaultValue: 'localhost',
    texts: ['::', '::', 'h', 'h'],
    given: '0.0.0.0',
    invalidOption: '',
  },
]

describe.each(ROWS)(
  '$path',
  ({ path, option = path, variables = [], defaultValue, texts, invalid, given, invalidOption }) => {
    test('has its default when no variable is set, or an empty one', () => {
      expect(resolved(path, {}, {})).toEqual(defaultValue)
      expect(resolved(path, {}, Object.fromEntries(variables.map((name) => [name, '  '])))).toEqual(
        defaultValue,
      )
      expect(warnings).toEqual([])
    })

    test('is the option when variables are set, too', () => {
      const env = Object.fromEntries(variables.map((name) => [name, texts?.[0] ?? '']))
      expect(resolved(path, optionsAt(option, given), env)).toEqual(given)
      expect(warnings).toEqual([])
    })

    test('throws an error that names the option when the option is invalid', () => {
      const { message } = thrownBy(() => resolved(path, optionsAt(option, invalidOption), {}))
      expect(message).toContain(`option ${option} is`)
      expect(message).toContain('it accepts')
    })

    if (texts === undefined) return
    const [first, firstValue, second, secondValue] = texts

    test('is the first variable that is set when there is no option', () => {
      for (const name of variables) expect(resolved(path, {}, { [name]: ` ${first} ` })).toEqual(firstValue)
      const [own, general] = variables
      if (general === undefined) return
      expect(resolved(path, {}, { [own as string]: first, [general]: second })).toEqual(firstValue)
      expect(resolved(path, {}, { [own as string]: '', [general]: second })).toEqual(secondValue)
      expect(warnings).toEqual([])
    })

    if (invalid === undefined) return
    test('ignores a variable with one warning when the variable is invalid', () => {
      for (const name of variables) {
        warnings.length = 0
        expect(resolved(path, {}, { [name]: invalid })).toEqual(defaultValue)
        expect(warnings).toHaveLength(1)
        expect(warnings[0]).toMatch(new RegExp(`^${name} is ignored: `))
      }
      const [own, general] = variables
      if (general !== undefined) {
        expect(resolved(path, {}, { [own as string]: invalid, [general]: second })).toEqual(secondValue)
      }
    })
  },
)

test('resolveTelemetry prefers the options of one signal when options for all signals are given, too', () => {
  const config = resolveTelemetry(
    { timeoutMillis: 5, compression: 'gzip', traces: { timeoutMillis: 6 } },
    { OTEL_EXPORTER_OTLP_TIMEOUT: '7', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '8' },
  )
  const exporters = [config.logs, config.traces, config.metrics].map((signal) => signal?.exporter)
  expect(exporters.map((exporter) => exporter?.timeoutMillis)).toEqual([5, 6, 5])
  expect(exporters.map((exporter) => exporter?.compression)).toEqual(['gzip', 'gzip', 'gzip'])
})

test('resolveTelemetry throws an error that names the path when an option is unknown', () => {
  expect(thrownBy(() => resolveTelemetry({ endpont: 'x' } as never, {})).message).toMatch(/no option endpont/)
  const nested = thrownBy(() => resolveTelemetry({ logs: { maxQueue: 5 } } as never, {}))
  expect(nested.message).toMatch(/no option logs\.maxQueue;.*logs\.maxQueueSize/)
  expect(thrownBy(() => resolveTelemetry({ traces: true } as never, {})).message).toMatch(
    /option traces is true/,
  )
  expect(thrownBy(() => resolveLogs({ logs: {} } as never, {})).message).toMatch(/no option logs/)
})

test('resolveLogs reads the options of logs at the top level when createLoggerProvider is called', () => {
  const config = resolveLogs(
    {
      endpoint: 'http://c:4318/x/',
      protocol: 'http/protobuf',
      maxQueueSize: 10,
      limits: { attributeCountLimit: 3 },
    },
    { OTEL_BLRP_SCHEDULE_DELAY: '5' },
  )
  expect(config).toMatchObject({
    maxQueueSize: 10,
    scheduledDelayMillis: 5,
    limits: { attributeCountLimit: 3 },
  })
  expect(config.exporter?.url).toBe('http://c:4318/x/v1/logs')
  expect(thrownBy(() => resolveLogs({ limits: { attributeCountLimit: -1 } }, {})).message).toContain(
    'option limits.attributeCountLimit',
  )
})

describe('the spool option', () => {
  const directory = '/var/spool/app'
  const spool = (given: unknown): unknown => resolved('logs.spool', { logs: { spool: given as never } }, {})

  test('is undefined when no directory is given', () => {
    expect(spool(undefined)).toBeUndefined()
    expect(spool({ directory })).toEqual({ directory, maxBytes: 1_073_741_824, fsync: false })
    expect(spool({ directory, maxBytes: 5, fsync: true })).toEqual({ directory, maxBytes: 5, fsync: true })
    expect(resolveLogs({ spool: { directory } }, {}).spool).toMatchObject({ directory })
    expect(warnings).toEqual([])
  })

  test('resolves the directory from the working directory when the directory is relative', () => {
    expect(spool({ directory: 'spool' })).toMatchObject({ directory: resolve('spool') })
  })

  test.each<[string, unknown]>([
    ['logs.spool.directory is not set', {}],
    ['logs.spool.directory is not set', { directory: undefined }],
    ['logs.spool.directory is', { directory: '' }],
    ['logs.spool.directory is', { directory: 5 }],
    ['logs.spool.directory is', { directory: 'a\0b' }],
    ['logs.spool.maxBytes is', { directory, maxBytes: 0 }],
    ['logs.spool.maxBytes is', { directory, maxBytes: '1 GiB' }],
    ['logs.spool.fsync is', { directory, fsync: 'yes' }],
    ['logs.spool is', '/var/spool/app'],
    ['logs.spool is', null],
    ['no option logs.spool.dir;', { dir: '/var/spool/app' }],
  ])('throws an error when it is invalid: %s', (text, given) => {
    expect(thrownBy(() => spool(given)).message).toContain(text)
  })

  test('is named without a signal when createLoggerProvider is called', () => {
    expect(thrownBy(() => resolveLogs({ spool: { directory: '' } }, {})).message).toContain(
      'option spool.directory',
    )
  })
})

describe('the headers option', () => {
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

  test('keeps a function when a function is given', () => {
    const headers = async (): Promise<Record<string, string>> => ({})
    expect(resolved('traces.exporter.headers', { headers }, {})).toBe(headers)
  })

  test.each([{ 'a b': 'x' }, { 'trace-bin': 'x' }, { a: 'ü' }, { a: 1 }])(
    'throws an error when a header cannot be sent: %j',
    (headers) => {
      thrownBy(() => resolved('logs', { headers: headers as never }, {}))
    },
  )
})

describe('the endpoint', () => {
  const exporter = (options: TelemetryOptions, env: Env = {}): ExporterConfig =>
    resolved('traces.exporter', options, env) as ExporterConfig
  const at = (options: TelemetryOptions, env: Env = {}): [string, boolean] => {
    const { url, tls } = exporter(options, env)
    return [url, tls !== undefined]
  }
  const HTTP = 'http/protobuf' as const

  test('is localhost when neither option nor variable is set', () => {
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
    ['http://c:4318', {}, 'http://c:4318/v1/traces', false],
    ['https://c/otlp', {}, 'https://c/otlp/v1/traces', true],
    ['https://c:4317/?k=v', {}, 'https://c:4317/v1/traces?k=v', true],
    ['dns:///c:4318', {}, 'dns:///c:4318', true],
    ['http://c:4318', { protocol: 'grpc' }, 'http://c:4318', false],
  ])('is resolved when an option or a variable is %s, with %j', (endpoint, options, url, secure) => {
    expect(at({ ...options, endpoint })).toEqual([url, secure])
    expect(at(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([url, secure])
    expect(warnings).toEqual([])
  })

  test('uses plain text when it has no scheme and OTEL_EXPORTER_OTLP_INSECURE is true', () => {
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

  test('is used unchanged when it is set for one signal', () => {
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
    'is mended with a warning when an option or a variable is %s, with %j',
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
  ])(
    'throws an error as an option, and stops the signal as a variable, when it is %s, with %j',
    (endpoint, options) => {
      const { message } = thrownBy(() => at({ ...options, endpoint }))
      expect(message).toMatch(/option endpoint is not a (gRPC endpoint|URL)/)
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
      expect(warnings).toHaveLength(3)
    },
  )

  test('throws an error when its scheme contradicts the option tls', () => {
    expect(thrownBy(() => at({ endpoint: 'http://c:1', tls: true })).message).toMatch(/write https:/)
    expect(thrownBy(() => at({ endpoint: 'https://c:1', tls: false })).message).toMatch(/write http:/)
    expect(
      thrownBy(() => at({ tls: { ca: PEM } }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:1' })).message,
    ).toContain('OTEL_EXPORTER_OTLP_ENDPOINT begins with http://')
  })
})

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'

describe('the tls option', () => {
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
  ])('is named by its path when it is invalid for one signal: %j', (given, endpoint, message) => {
    const resolve = (): unknown => resolveTelemetry({ endpoint, logs: { tls: given } }, {})
    expect(thrownBy(resolve).message).toContain(message)
  })

  test('ignores a variable with a warning when its file cannot be read', () => {
    expect(tls({}, { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, 'absent') })).toEqual({})
    expect(warnings).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_CERTIFICATE is ignored')])
  })

  test('throws an error, or warns for variables, when a client certificate has no key', () => {
    expect(thrownBy(() => tls({ tls: { cert: PEM } })).message).toContain('has no client key')
    expect(thrownBy(() => tls({ tls: { keyFile: path('key') } })).message).toContain(
      'has no client certificate',
    )
    expect(tls({}, { OTEL_EXPORTER_OTLP_CLIENT_KEY: path('key') })).toEqual({})
    expect(warnings).toEqual([expect.stringContaining('mutual TLS is off')])
  })

  test.each([{ tls: { ca: '/a/path.pem' } }, { tls: { caFile: 7 } }, { tls: { pfx: PEM } }, { tls: 'yes' }])(
    'throws an error when it is %j',
    (options) => {
      expect(thrownBy(() => tls(options as never)).message).toContain('option tls is')
    },
  )
})

test('resolveTelemetry uses http/protobuf with one warning when OTEL_EXPORTER_OTLP_PROTOCOL is http/json', () => {
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  for (const signal of ['logs', 'traces', 'metrics']) {
    expect(resolved(`${signal}.exporter.protocol`, {}, env)).toBe('http/protobuf')
  }
  expect(warnings).toEqual([expect.stringContaining('http/json is not supported; http/protobuf')])
})

describe('the exporters', () => {
  test.each([
    ['logs', 'OTEL_LOGS_EXPORTER', ['otlp', 'console']],
    ['traces', 'OTEL_TRACES_EXPORTER', ['otlp', 'console', 'zipkin']],
    ['metrics', 'OTEL_METRICS_EXPORTER', ['otlp', 'console', 'prometheus']],
  ])('of %s are the known words when the variable lists several', (signal, variable, known) => {
    const exporters = (text: string): unknown => resolved(`${signal}.exporters`, {}, { [variable]: text })
    expect(exporters('')).toEqual(['otlp'])
    expect(exporters('none')).toEqual([])
    expect(exporters(`${known.join(' , ')},otlp`)).toEqual(known)
    expect(warnings).toEqual([])
    expect(exporters('console,jaeger')).toEqual(['console'])
    expect(exporters('jaeger')).toEqual(['otlp'])
    expect(warnings).toEqual([
      `${variable}: 'jaeger' is ignored; ${variable} accepts ${[...known, 'none'].join(', ')}`,
    ])
  })

  test('of metrics are prometheus alone when the option prometheus is set', () => {
    expect(
      resolved('metrics.exporters', { metrics: { prometheus: {} } }, { OTEL_METRICS_EXPORTER: 'otlp' }),
    ).toEqual(['prometheus'])
  })
})

describe('the sampler', () => {
  test.each([
    ['always_on', undefined, 'AlwaysOnSampler'],
    ['always_off', undefined, 'AlwaysOffSampler'],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
    ['parentbased_always_on', undefined, /^ParentBased\{root=AlwaysOnSampler,/],
    ['parentbased_always_off', undefined, /^ParentBased\{root=AlwaysOffSampler,/],
    ['parentbased_traceidratio', '0.5', /^ParentBased\{root=TraceIdRatioBased\{0\.5\},/],
  ])('%s %s', (name, argument, description) => {
    const env = { OTEL_TRACES_SAMPLER: name, ...(argument && { OTEL_TRACES_SAMPLER_ARG: argument }) }
    expect(String(resolved('traces.sampler', {}, env))).toMatch(description)
    expect(warnings).toEqual([])
  })

  test('is the default, or samples every trace, with a warning when a variable is invalid', () => {
    expect(resolved('traces.sampler', {}, { OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toBeUndefined()
    expect(warnings[0]).toContain('OTEL_TRACES_SAMPLER is ignored')
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' }
    expect(String(resolved('traces.sampler', {}, env))).toBe('TraceIdRatioBased{1}')
    expect(warnings[1]).toContain("OTEL_TRACES_SAMPLER_ARG is ignored: '1.5'")
  })

  test('is the option when a variable is set, too', () => {
    const sampler = new AlwaysOnSampler()
    expect(resolved('traces.sampler', { traces: { sampler } }, { OTEL_TRACES_SAMPLER: 'always_off' })).toBe(
      sampler,
    )
  })
})

describe('the maximum batch size', () => {
  test.each(['logs', 'traces'])('of %s throws an error when an option exceeds the queue', (signal) => {
    const { message } = thrownBy(() =>
      resolved(signal, { [signal]: { maxQueueSize: 5, maxExportBatchSize: 6 } }, {}),
    )
    expect(message).toContain(
      `option ${signal}.maxExportBatchSize is 6; it accepts at most ${signal}.maxQueueSize, which is 5`,
    )
  })

  test('is lowered to the queue when it is not set', () => {
    expect(resolved('traces.maxExportBatchSize', { traces: { maxQueueSize: 5 } }, {})).toBe(5)
    expect(warnings).toEqual([])
  })

  test('is lowered with a warning when a variable sets it', () => {
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '6' }
    expect(resolved('traces.maxExportBatchSize', {}, env)).toBe(5)
    expect(warnings).toEqual([expect.stringContaining('OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 6')])
  })
})

test('resolveTelemetry lowers the export timeout of metrics when it exceeds the interval, with a warning when it was set', () => {
  expect(resolved('metrics.exportTimeoutMillis', { metrics: { exportIntervalMillis: 5 } }, {})).toBe(5)
  expect(warnings).toEqual([])
  const options = { metrics: { exportIntervalMillis: 5, exportTimeoutMillis: 6 } }
  expect(resolved('metrics.exportTimeoutMillis', options, {})).toBe(5)
  expect(warnings).toEqual([expect.stringContaining('exportTimeoutMillis (OTEL_METRIC_EXPORT_TIMEOUT) is 6')])
})

test('resolveTelemetry reads the default histogram aggregation when its variable is set', () => {
  const name = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION'
  const path = 'metrics.histogramAggregation'
  expect(resolved(path, {}, {})).toBe('explicit_bucket_histogram')
  expect(resolved(path, {}, { [name]: 'base2_exponential_bucket_histogram' })).toBe(
    'base2_exponential_bucket_histogram',
  )
  expect(resolved(path, {}, { [name]: 'x' })).toBe('explicit_bucket_histogram')
  expect(warnings).toEqual([expect.stringContaining(`${name} is ignored`)])
})

test('resolveTelemetry reads the propagators when OTEL_PROPAGATORS is set', () => {
  const propagators = (text: string): unknown => resolved('propagators', {}, { OTEL_PROPAGATORS: text })
  expect(propagators('')).toEqual(['tracecontext', 'baggage'])
  expect(propagators('b3, b3multi')).toEqual(['b3', 'b3multi'])
  expect(propagators('none')).toEqual([])
  expect(propagators('jaeger,b3')).toEqual(['b3'])
  expect(warnings).toEqual([expect.stringContaining("OTEL_PROPAGATORS: 'jaeger' is ignored")])
})

const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'
const FORGED = '\u001b[2J\nlogbridge: hunter2'
const URL_OF_HUNTER = 'https://shop:hunter2@localhost:1'

test.each<[string, object]>([
  ['a key in place of a path', { endpoint: 'https://localhost', tls: { caFile: PRIVATE_KEY } }],
  ['a key in place of a word', { compression: PRIVATE_KEY }],
  ['a key in place of a name', { [PRIVATE_KEY]: 1 }],
  ['control characters', { protocol: FORGED }],
  ['control characters in a name', { [FORGED]: 1 }],
  ['credentials of a URL in place of a word', { protocol: URL_OF_HUNTER }],
  ['credentials after an unknown scheme', { endpoint: 'ftp://shop:hunter2@localhost' }],
  ['credentials before an invalid port', { endpoint: 'https://shop:hunter2@localhost:99999' }],
  ['headers as text', { headers: 'authorization=hunter2' }],
  ['an invalid header', { headers: { 'hunter2: x': 'hunter2' } }],
])(
  'resolveTelemetry throws an error without the value when an option may hold a secret: %s',
  (_, options) => {
    expect(() => resolveTelemetry(options as never, {})).toThrow(/^@logbridge\/core: (?!.*hunter2)\P{C}+$/u)
  },
)

test.each([
  ['OTEL_BLRP_SCHEDULE_DELAY', URL_OF_HUNTER],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', URL_OF_HUNTER],
  ['OTEL_LOGS_EXPORTER', `otlp,${URL_OF_HUNTER}`],
  ['OTEL_PROPAGATORS', FORGED],
  ['OTEL_TRACES_SAMPLER', PRIVATE_KEY],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization hunter2'],
])('resolveTelemetry warns without the value when a variable may hold a secret: %s', (name, text) => {
  resolveTelemetry({}, { [name]: text })
  expect(warnings).toEqual([expect.stringMatching(new RegExp(`^${name}(?!.*hunter2)`))])
})

test('resolveTelemetry reads the level of diagnostics when OTEL_LOG_LEVEL is set', () => {
  expect(resolved('diagLogLevel', {}, {})).toBeUndefined()
  expect(resolved('diagLogLevel', {}, { OTEL_LOG_LEVEL: 'debug' })).toBe(DiagLogLevel.DEBUG)
  expect(resolved('diagLogLevel', {}, { OTEL_LOG_LEVEL: '30' })).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('OTEL_LOG_LEVEL is ignored')])
})

test('resolveTelemetry leaves a signal off when it is false or OTEL_SDK_DISABLED is true', () => {
  const signals = ['logs', 'traces', 'metrics'] as const
  const off = resolveTelemetry({ logs: false, traces: false, metrics: false }, {})
  expect(signals.map((signal) => off[signal])).toEqual([undefined, undefined, undefined])
  const disabled = resolveTelemetry(
    { instrumentations: [] },
    { OTEL_SDK_DISABLED: 'True', OTEL_PROPAGATORS: 'b3' },
  )
  expect(signals.map((signal) => disabled[signal])).toEqual([undefined, undefined, undefined])
  expect(disabled.propagators).toEqual(['b3'])
  expect(resolveTelemetry({}, { OTEL_SDK_DISABLED: 'false' }).logs).toBeDefined()
  expect(warnings).toEqual([])
  expect(resolveTelemetry({}, { OTEL_SDK_DISABLED: '1' }).logs).toBeDefined()
  expect(warnings).toEqual([expect.stringContaining('OTEL_SDK_DISABLED is ignored')])
})

test('resolveTelemetry warns once when an unsupported variable is set', () => {
  resolveTelemetry({}, { OTEL_CONFIG_FILE: 'otel.yaml', OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' })
  resolveTelemetry({}, { OTEL_CONFIG_FILE: 'otel.yaml', OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' })
  expect(warnings).toEqual([
    expect.stringContaining('OTEL_CONFIG_FILE is ignored: startTelemetry() reads'),
    expect.stringContaining('OTEL_METRICS_EXEMPLAR_FILTER=always_on has no effect'),
  ])
  warnings.length = 0
  resolveTelemetry({}, { OTEL_METRICS_EXEMPLAR_FILTER: 'always_off' })
  expect(warnings).toEqual([])
})
