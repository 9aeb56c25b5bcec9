import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

const made = capturedWarnings()

type Env = Record<string, string>

/** A value inside the settled configuration, by its path. */
function settled(path: string, options: TelemetryOptions, env: Env): unknown {
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
  throw new Error('nothing was thrown')
}

interface Row {
  /** Where the settled value stands, and the option unless `option` says otherwise. */
  path: string
  option?: string
  /** The first that is set counts. */
  variables?: string[]
  fallback: unknown
  /** Texts of two acceptable values of the variable, and what they mean. */
  texts?: [string, unknown, string, unknown]
  bad?: string
  given: unknown
  badOption: unknown
}

const otlp = (signal: string, name: string): string[] => [
  `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`,
  `OTEL_EXPORTER_OTLP_${name}`,
]
const numbers: [string, unknown, string, unknown] = ['70', 70, '80', 80]
const limitRow = (path: string, fallback: number, ...variables: string[]): Row => ({
  path,
  variables,
  fallback,
  texts: ['0', 0, '7', 7],
  bad: '-1',
  given: 9,
  badOption: 1.5,
})

const ROWS: Row[] = [
  ...(['logs', 'traces', 'metrics'] as const).flatMap((signal): Row[] => [
    {
      path: `${signal}.exporter.protocol`,
      option: `${signal}.protocol`,
      variables: otlp(signal, 'PROTOCOL'),
      fallback: 'grpc',
      texts: ['http/protobuf', 'http/protobuf', 'grpc', 'grpc'],
      bad: 'smtp',
      given: 'http/protobuf',
      badOption: 'http/json',
    },
    {
      path: `${signal}.exporter.compression`,
      option: `${signal}.compression`,
      variables: otlp(signal, 'COMPRESSION'),
      fallback: 'none',
      texts: ['gzip', 'gzip', 'none', 'none'],
      bad: 'zip',
      given: 'gzip',
      badOption: 'deflate',
    },
    {
      path: `${signal}.exporter.timeoutMillis`,
      option: `${signal}.timeoutMillis`,
      variables: otlp(signal, 'TIMEOUT'),
      fallback: 10_000,
      texts: numbers,
      bad: '10s',
      given: 5,
      badOption: 0,
    },
    {
      path: `${signal}.exporter.headers`,
      option: `${signal}.headers`,
      variables: otlp(signal, 'HEADERS'),
      fallback: {},
      texts: ['a=1,b=x%20y%3D', { a: '1', b: 'x y=' }, 'c=3', { c: '3' }],
      bad: 'not-a-pair',
      given: { authorization: 'Bearer t' },
      badOption: { authorization: 'line\nbreak' },
    },
  ]),
  {
    path: 'logs.maxQueueSize',
    variables: ['OTEL_BLRP_MAX_QUEUE_SIZE'],
    fallback: undefined,
    texts: numbers,
    bad: '0',
    given: 5,
    badOption: 0,
  },
  { path: 'logs.maxQueueBytes', fallback: 67_108_864, given: 5, badOption: '5' },
  {
    path: 'logs.maxExportBatchSize',
    variables: ['OTEL_BLRP_MAX_EXPORT_BATCH_SIZE'],
    fallback: undefined,
    texts: numbers,
    bad: 'many',
    given: 5,
    badOption: -1,
  },
  {
    path: 'logs.scheduledDelayMillis',
    variables: ['OTEL_BLRP_SCHEDULE_DELAY'],
    fallback: 1000,
    texts: ['0', 0, '80', 80],
    bad: '-5',
    given: 5,
    badOption: Number.NaN,
  },
  {
    path: 'logs.exportTimeoutMillis',
    variables: ['OTEL_BLRP_EXPORT_TIMEOUT'],
    fallback: 30_000,
    texts: numbers,
    bad: '0',
    given: 5,
    badOption: Infinity,
  },
  { path: 'logs.minimumSeverity', fallback: 0, given: 13, badOption: 25 },
  { path: 'logs.processors', fallback: [], given: [{ onEmit() {} }], badOption: [{}] },
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
  { path: 'traces.sampler', fallback: undefined, given: new AlwaysOnSampler(), badOption: 'always_on' },
  {
    path: 'traces.maxQueueSize',
    variables: ['OTEL_BSP_MAX_QUEUE_SIZE'],
    fallback: 2048,
    texts: ['5120', 5120, '900', 900],
    bad: '2e3',
    given: 5120,
    badOption: 1.5,
  },
  {
    path: 'traces.maxExportBatchSize',
    variables: ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'],
    fallback: 512,
    texts: numbers,
    bad: '0',
    given: 1024,
    badOption: '1024',
  },
  {
    path: 'traces.scheduledDelayMillis',
    variables: ['OTEL_BSP_SCHEDULE_DELAY'],
    fallback: 5000,
    texts: ['0', 0, '80', 80],
    bad: 'soon',
    given: 2000,
    badOption: -1,
  },
  {
    path: 'traces.exportTimeoutMillis',
    variables: ['OTEL_BSP_EXPORT_TIMEOUT'],
    fallback: 30_000,
    texts: numbers,
    bad: '99999999999',
    given: 10_000,
    badOption: 0,
  },
  { path: 'traces.processors', fallback: [], given: [{ onEnd() {} }], badOption: {} },
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
    fallback: 60_000,
    texts: numbers,
    bad: '0',
    given: 5000,
    badOption: 0,
  },
  {
    path: 'metrics.exportTimeoutMillis',
    variables: ['OTEL_METRIC_EXPORT_TIMEOUT'],
    fallback: 30_000,
    texts: numbers,
    bad: '1.5',
    given: 5000,
    badOption: 'x',
  },
  { path: 'metrics.views', fallback: [], given: [{ instrumentName: 'x' }], badOption: {} },
  { path: 'metrics.readers', fallback: [], given: [{ collect() {} }], badOption: [1] },
  {
    path: 'metrics.temporalityPreference',
    variables: ['OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'],
    fallback: 'cumulative',
    texts: ['DELTA', 'delta', 'lowmemory', 'lowmemory'],
    bad: 'high',
    given: 'delta',
    badOption: 'high',
  },
  {
    path: 'metrics.prometheus.port',
    variables: ['OTEL_EXPORTER_PROMETHEUS_PORT'],
    fallback: 9464,
    texts: numbers,
    bad: '70000',
    given: 1234,
    badOption: 0,
  },
  {
    path: 'metrics.prometheus.host',
    variables: ['OTEL_EXPORTER_PROMETHEUS_HOST'],
    fallback: 'localhost',
    texts: ['::', '::', 'h', 'h'],
    given: '0.0.0.0',
    badOption: '',
  },
]

describe.each(ROWS)(
  '$path',
  ({ path, option = path, variables = [], fallback, texts, bad, given, badOption }) => {
    test('default, and an empty variable', () => {
      expect(settled(path, {}, {})).toEqual(fallback)
      expect(settled(path, {}, Object.fromEntries(variables.map((name) => [name, '  '])))).toEqual(fallback)
      expect(made).toEqual([])
    })

    test('an option wins over every variable', () => {
      const env = Object.fromEntries(variables.map((name) => [name, texts?.[0] ?? '']))
      expect(settled(path, optionsAt(option, given), env)).toEqual(given)
      expect(made).toEqual([])
    })

    test('a bad option throws and is named', () => {
      const { message } = thrownBy(() => settled(path, optionsAt(option, badOption), {}))
      expect(message).toContain(`option ${option} is`)
      expect(message).toContain('it accepts')
    })

    if (texts === undefined) return
    const [first, firstMeans, second, secondMeans] = texts

    test('each variable, the first that is set counting', () => {
      for (const name of variables) expect(settled(path, {}, { [name]: ` ${first} ` })).toEqual(firstMeans)
      const [own, general] = variables
      if (general === undefined) return
      expect(settled(path, {}, { [own as string]: first, [general]: second })).toEqual(firstMeans)
      expect(settled(path, {}, { [own as string]: '', [general]: second })).toEqual(secondMeans)
      expect(made).toEqual([])
    })

    if (bad === undefined) return
    test('a bad variable is ignored with one warning that names it', () => {
      for (const name of variables) {
        made.length = 0
        expect(settled(path, {}, { [name]: bad })).toEqual(fallback)
        expect(made).toHaveLength(1)
        expect(made[0]).toMatch(new RegExp(`^${name} is ignored: `))
      }
      const [own, general] = variables
      if (general !== undefined) {
        expect(settled(path, {}, { [own as string]: bad, [general]: second })).toEqual(secondMeans)
      }
    })
  },
)

test('options for all signals reach each of them, and those of one signal win', () => {
  const config = resolveTelemetry(
    { timeoutMillis: 5, compression: 'gzip', traces: { timeoutMillis: 6 } },
    { OTEL_EXPORTER_OTLP_TIMEOUT: '7', OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: '8' },
  )
  const exporters = [config.logs, config.traces, config.metrics].map((signal) => signal?.exporter)
  expect(exporters.map((exporter) => exporter?.timeoutMillis)).toEqual([5, 6, 5])
  expect(exporters.map((exporter) => exporter?.compression)).toEqual(['gzip', 'gzip', 'gzip'])
})

test('an unknown option is named, at any depth', () => {
  expect(thrownBy(() => resolveTelemetry({ endpont: 'x' } as never, {})).message).toMatch(/no option endpont/)
  const nested = thrownBy(() => resolveTelemetry({ logs: { maxQueue: 5 } } as never, {}))
  expect(nested.message).toMatch(/no option logs\.maxQueue;.*logs\.maxQueueSize/)
  expect(thrownBy(() => resolveTelemetry({ traces: true } as never, {})).message).toMatch(
    /option traces is true/,
  )
  expect(thrownBy(() => resolveLogs({ logs: {} } as never, {})).message).toMatch(/no option logs/)
})

test('createLoggerProvider has the same options flat', () => {
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

describe('spool', () => {
  const directory = '/var/spool/app'
  const spool = (given: unknown): unknown => settled('logs.spool', { logs: { spool: given as never } }, {})

  test('is off unless a directory is given', () => {
    expect(spool(undefined)).toBeUndefined()
    expect(spool({ directory })).toEqual({ directory, maxBytes: 1_073_741_824, fsync: false })
    expect(spool({ directory, maxBytes: 5, fsync: true })).toEqual({ directory, maxBytes: 5, fsync: true })
    expect(resolveLogs({ spool: { directory } }, {}).spool).toMatchObject({ directory })
    expect(made).toEqual([])
  })

  test('a relative directory is that of the working directory at the start', () => {
    expect(spool({ directory: 'spool' })).toMatchObject({ directory: resolve('spool') })
  })

  test.each<[string, unknown]>([
    ['logs.spool.directory is not given', {}],
    ['logs.spool.directory is not given', { directory: undefined }],
    ['logs.spool.directory is', { directory: '' }],
    ['logs.spool.directory is', { directory: 5 }],
    ['logs.spool.directory is', { directory: 'a\0b' }],
    ['logs.spool.maxBytes is', { directory, maxBytes: 0 }],
    ['logs.spool.maxBytes is', { directory, maxBytes: '1 GiB' }],
    ['logs.spool.fsync is', { directory, fsync: 'yes' }],
    ['logs.spool is', '/var/spool/app'],
    ['logs.spool is', null],
    ['no option logs.spool.dir;', { dir: '/var/spool/app' }],
  ])('a bad one: %s', (text, given) => {
    expect(thrownBy(() => spool(given)).message).toContain(text)
  })

  test('of createLoggerProvider is named as it stands there', () => {
    expect(thrownBy(() => resolveLogs({ spool: { directory: '' } }, {})).message).toContain(
      'option spool.directory',
    )
  })
})

describe('headers', () => {
  test('of the connection are refused: HTTP/2 would refuse each request', () => {
    for (const name of ['Connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te']) {
      const { message } = thrownBy(() => settled('logs', { headers: { [name]: 'x' } }, {}))
      expect(message).toContain('headers')
    }
  })

  const secret = 'Bearer hunter2'

  test('are never shown', () => {
    settled('logs', {}, { OTEL_EXPORTER_OTLP_HEADERS: secret })
    const { message } = thrownBy(() => settled('logs', { headers: { a: `${secret}\n` } }, {}))
    expect([...made, message].join('\n')).not.toContain('hunter2')
    expect(made).toHaveLength(1)
  })

  test('may be a function', () => {
    const headers = async (): Promise<Record<string, string>> => ({})
    expect(settled('traces.exporter.headers', { headers }, {})).toBe(headers)
  })

  test.each([{ 'a b': 'x' }, { 'trace-bin': 'x' }, { a: 'ü' }, { a: 1 }])(
    'refuse what cannot be sent: %j',
    (headers) => {
      thrownBy(() => settled('logs', { headers: headers as never }, {}))
    },
  )
})

describe('endpoint', () => {
  const exporter = (options: TelemetryOptions, env: Env = {}): ExporterConfig =>
    settled('traces.exporter', options, env) as ExporterConfig
  const at = (options: TelemetryOptions, env: Env = {}): [string, boolean] => {
    const { url, tls } = exporter(options, env)
    return [url, tls !== undefined]
  }
  const HTTP = 'http/protobuf' as const

  test('defaults', () => {
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
  ])('%s with %j, as option and as variable', (endpoint, options, url, secure) => {
    expect(at({ ...options, endpoint })).toEqual([url, secure])
    expect(at(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([url, secure])
    expect(made).toEqual([])
  })

  test('INSECURE decides where the scheme does not', () => {
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

  test('that of one signal is used as it is, and wins', () => {
    const env = {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t:1/custom',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
    }
    expect(at({ protocol: HTTP }, env)).toEqual(['http://t:1/custom', false])
    expect(settled('logs.exporter.url', { protocol: HTTP }, env)).toBe('http://c:4318/v1/logs')
    expect(at({ protocol: HTTP, endpoint: 'http://o:1' }, env)).toEqual(['http://o:1/v1/traces', false])
    const both = { endpoint: 'http://o:1', traces: { endpoint: 'http://p:1/all' } }
    expect(at({ protocol: HTTP, ...both }, env)).toEqual(['http://p:1/all', false])
  })

  test.each<[string, TelemetryOptions, string, boolean, RegExp]>([
    ['http://c:4317/v1/traces', { protocol: 'grpc' }, 'http://c:4317', false, /its path is not used/],
    ['https://c/hunter2/?k=hunter2', { protocol: 'grpc' }, 'https://c', true, /its path is not used/],
    [
      'http://hunter2:hunter2@c:4317',
      { protocol: 'grpc' },
      'http://c:4317',
      false,
      /user name and password are not/,
    ],
    ['c:4317/', { protocol: 'grpc' }, 'https://c:4317', true, /^$/],
    ['c:4317/hunter2', { protocol: 'grpc', tls: false }, 'http://c:4317', false, /its path is not used/],
    ['http://c:4318/v1/traces', {}, 'http://c:4318/v1/traces', false, /\/v1\/traces is taken off/],
    ['http://c:4318/v1/logs//', {}, 'http://c:4318/v1/traces', false, /\/v1\/logs is taken off/],
    [
      'https://c/a/v1/metrics',
      { protocol: HTTP },
      'https://c/a/v1/traces',
      true,
      /\/v1\/metrics is taken off/,
    ],
  ])('%s with %j, as option and as variable, with a warning', (endpoint, options, url, secure, warning) => {
    expect(at({ ...options, endpoint })).toEqual([url, secure])
    expect(made.join('\n')).toMatch(warning)
    forgetLoggedWarnings()
    made.length = 0
    expect(at(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([url, secure])
    expect(made.join('\n')).toMatch(warning)
    expect(made.join('\n')).not.toContain('hunter2')
  })

  test.each([
    ['http://t:4318/v1/traces', 'http/protobuf', 'http://t:4318/v1/traces'],
    ['http://t:4318/v1/logs', 'http/protobuf', 'http://t:4318/v1/logs'],
    ['http://t:4317', 'grpc', 'http://t:4317'],
  ])('that of one signal says its protocol where none was asked for: %s', (endpoint, protocol, url) => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4317' }
    expect(exporter({}, env)).toMatchObject({ protocol, url })
    expect(exporter({ traces: { endpoint } })).toMatchObject({ protocol, url })
    expect(settled('logs.exporter', {}, env)).toMatchObject({ protocol: 'grpc', url: 'http://c:4317' })
    expect(made).toEqual([])
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
    'a bad one: %s with %j is an error as an option, and as a variable has nothing sent',
    (endpoint, options) => {
      const { message } = thrownBy(() => at({ ...options, endpoint }))
      expect(message).toMatch(/option endpoint is not a (gRPC endpoint|URL)/)
      expect(thrownBy(() => at({ ...options, traces: { endpoint } })).message).toContain(
        'option traces.endpoint',
      )
      for (const signal of ['logs', 'traces', 'metrics'] as const) {
        made.length = 0
        const name = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
        const env = { [name]: endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://ok:1' }
        const config = resolveTelemetry(options, env)
        const started = [config.logs, config.traces, config.metrics].flatMap((one) =>
          one?.exporter ? [one.exporters] : [],
        )
        expect(started).toEqual([['otlp'], ['otlp']])
        expect(config[signal]).toMatchObject({ exporter: undefined, exporters: [] })
        expect(made).toEqual([expect.stringContaining(`${signal} are not exported until it is set right`)])
        expect(made[0]).toContain(name)
        expect([message, ...made].join('\n')).not.toContain('hunter2')
      }
      made.length = 0
      const config = resolveTelemetry(options, { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
      expect([config.logs, config.traces, config.metrics].map((one) => one?.exporter)).toEqual([
        undefined,
        undefined,
        undefined,
      ])
      expect(made).toHaveLength(3)
    },
  )

  test('and tls must not contradict each other', () => {
    expect(thrownBy(() => at({ endpoint: 'http://c:1', tls: true })).message).toMatch(/write https:/)
    expect(thrownBy(() => at({ endpoint: 'https://c:1', tls: false })).message).toMatch(/write http:/)
    expect(
      thrownBy(() => at({ tls: { ca: PEM } }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:1' })).message,
    ).toContain('OTEL_EXPORTER_OTLP_ENDPOINT begins with http://')
  })
})

const PEM = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n'

describe('tls', () => {
  const folder = mkdtempSync(join(tmpdir(), 'logbridge-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const path = (name: string): string => {
    writeFileSync(join(folder, name), `${name}\n`)
    return join(folder, name)
  }
  const tls = (options: TelemetryOptions, env: Env = {}): unknown =>
    settled('metrics.exporter.tls', { endpoint: 'https://c:1', ...options }, env)

  test('contents from options, PEM text or Buffer', () => {
    expect(tls({ tls: { ca: PEM, cert: Buffer.from('c'), key: PEM } })).toEqual({
      ca: Buffer.from(PEM),
      cert: Buffer.from('c'),
      key: Buffer.from(PEM),
    })
    expect(tls({})).toEqual({})
    expect(tls({ endpoint: 'http://c:1' })).toBeUndefined()
  })

  test('files from variables, own before general, options first', () => {
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
    expect(made).toEqual([])
  })

  test('files from options; a path and contents do not go together', () => {
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
    [{ cert: PEM }, 'https://a', 'option logs.tls lacks'],
    [true, 'http://a', 'option logs.tls is given'],
    [false, 'https://a', 'option logs.tls is false'],
  ])('what is wrong with those of one signal is told with their path: %j', (given, endpoint, message) => {
    const settle = (): unknown => resolveTelemetry({ endpoint, logs: { tls: given } }, {})
    expect(thrownBy(settle).message).toContain(message)
  })

  test('a file that cannot be read is ignored with a warning', () => {
    expect(tls({}, { OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, 'absent') })).toEqual({})
    expect(made).toEqual([expect.stringContaining('OTEL_EXPORTER_OTLP_CERTIFICATE is ignored')])
  })

  test('a certificate needs its key', () => {
    expect(thrownBy(() => tls({ tls: { cert: PEM } })).message).toContain('lacks the client key')
    expect(thrownBy(() => tls({ tls: { keyFile: path('key') } })).message).toContain(
      'lacks the client certificate',
    )
    expect(tls({}, { OTEL_EXPORTER_OTLP_CLIENT_KEY: path('key') })).toEqual({})
    expect(made).toEqual([expect.stringContaining('mutual TLS is off')])
  })

  test.each([{ tls: { ca: '/a/path.pem' } }, { tls: { caFile: 7 } }, { tls: { pfx: PEM } }, { tls: 'yes' }])(
    'refuses %j',
    (options) => {
      expect(thrownBy(() => tls(options as never)).message).toContain('option tls is')
    },
  )
})

test('http/json is answered with one warning and protobuf', () => {
  const env = { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  for (const signal of ['logs', 'traces', 'metrics']) {
    expect(settled(`${signal}.exporter.protocol`, {}, env)).toBe('http/protobuf')
  }
  expect(made).toEqual([expect.stringContaining('http/json is not supported; http/protobuf')])
})

describe('exporters', () => {
  test.each([
    ['logs', 'OTEL_LOGS_EXPORTER', ['otlp', 'console']],
    ['traces', 'OTEL_TRACES_EXPORTER', ['otlp', 'console', 'zipkin']],
    ['metrics', 'OTEL_METRICS_EXPORTER', ['otlp', 'console', 'prometheus']],
  ])('of %s', (signal, variable, known) => {
    const exporters = (text: string): unknown => settled(`${signal}.exporters`, {}, { [variable]: text })
    expect(exporters('')).toEqual(['otlp'])
    expect(exporters('none')).toEqual([])
    expect(exporters(`${known.join(' , ')},otlp`)).toEqual(known)
    expect(made).toEqual([])
    expect(exporters('console,jaeger')).toEqual(['console'])
    expect(exporters('jaeger')).toEqual(['otlp'])
    expect(made).toEqual([`${variable}: 'jaeger' is ignored; it accepts ${[...known, 'none'].join(', ')}`])
  })

  test('prometheus as an option replaces the push', () => {
    expect(
      settled('metrics.exporters', { metrics: { prometheus: {} } }, { OTEL_METRICS_EXPORTER: 'otlp' }),
    ).toEqual(['prometheus'])
  })
})

describe('sampler', () => {
  test.each([
    ['always_on', undefined, 'AlwaysOnSampler'],
    ['always_off', undefined, 'AlwaysOffSampler'],
    ['traceidratio', '0.25', 'TraceIdRatioBased{0.25}'],
    ['parentbased_always_on', undefined, /^ParentBased\{root=AlwaysOnSampler,/],
    ['parentbased_always_off', undefined, /^ParentBased\{root=AlwaysOffSampler,/],
    ['parentbased_traceidratio', '0.5', /^ParentBased\{root=TraceIdRatioBased\{0\.5\},/],
  ])('%s %s', (name, argument, description) => {
    const env = { OTEL_TRACES_SAMPLER: name, ...(argument && { OTEL_TRACES_SAMPLER_ARG: argument }) }
    expect(String(settled('traces.sampler', {}, env))).toMatch(description)
    expect(made).toEqual([])
  })

  test('a bad name or argument', () => {
    expect(settled('traces.sampler', {}, { OTEL_TRACES_SAMPLER: 'jaeger_remote' })).toBeUndefined()
    expect(made[0]).toContain('OTEL_TRACES_SAMPLER is ignored')
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' }
    expect(String(settled('traces.sampler', {}, env))).toBe('TraceIdRatioBased{1}')
    expect(made[1]).toContain("OTEL_TRACES_SAMPLER_ARG is ignored: '1.5'")
  })

  test('an option wins', () => {
    const sampler = new AlwaysOnSampler()
    expect(settled('traces.sampler', { traces: { sampler } }, { OTEL_TRACES_SAMPLER: 'always_off' })).toBe(
      sampler,
    )
  })
})

describe('a batch must fit into the queue', () => {
  test.each(['logs', 'traces'])('%s: as options', (signal) => {
    const { message } = thrownBy(() =>
      settled(signal, { [signal]: { maxQueueSize: 5, maxExportBatchSize: 6 } }, {}),
    )
    expect(message).toContain(
      `option ${signal}.maxExportBatchSize is 6, more than the 5 of ${signal}.maxQueueSize`,
    )
  })

  test('a batch of default size is cut to the queue', () => {
    expect(settled('traces.maxExportBatchSize', { traces: { maxQueueSize: 5 } }, {})).toBe(5)
    expect(made).toEqual([])
  })

  test('a variable is cut with a warning', () => {
    const env = { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '6' }
    expect(settled('traces.maxExportBatchSize', {}, env)).toBe(5)
    expect(made).toEqual([expect.stringContaining('OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 6')])
  })
})

test('the timeout of metrics is at most the interval, with a warning only when both are given', () => {
  expect(settled('metrics.exportTimeoutMillis', { metrics: { exportIntervalMillis: 5 } }, {})).toBe(5)
  expect(made).toEqual([])
  const options = { metrics: { exportIntervalMillis: 5, exportTimeoutMillis: 6 } }
  expect(settled('metrics.exportTimeoutMillis', options, {})).toBe(5)
  expect(made).toEqual([expect.stringContaining('exportTimeoutMillis (OTEL_METRIC_EXPORT_TIMEOUT) is 6')])
})

test('histogram aggregation', () => {
  const name = 'OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION'
  const path = 'metrics.histogramAggregation'
  expect(settled(path, {}, {})).toBe('explicit_bucket_histogram')
  expect(settled(path, {}, { [name]: 'base2_exponential_bucket_histogram' })).toBe(
    'base2_exponential_bucket_histogram',
  )
  expect(settled(path, {}, { [name]: 'x' })).toBe('explicit_bucket_histogram')
  expect(made).toEqual([expect.stringContaining(`${name} is ignored`)])
})

test('propagators', () => {
  const propagators = (text: string): unknown => settled('propagators', {}, { OTEL_PROPAGATORS: text })
  expect(propagators('')).toEqual(['tracecontext', 'baggage'])
  expect(propagators('b3, b3multi')).toEqual(['b3', 'b3multi'])
  expect(propagators('none')).toEqual([])
  expect(propagators('jaeger,b3')).toEqual(['b3'])
  expect(made).toEqual([expect.stringContaining("OTEL_PROPAGATORS: 'jaeger' is ignored")])
})

const PRIVATE_KEY = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----'
const FORGED = '\u001b[2J\nlogbridge: hunter2'
const URL_OF_HUNTER = 'https://shop:hunter2@localhost:1'

test.each<[string, object]>([
  ['a key where a path belongs', { endpoint: 'https://localhost', tls: { caFile: PRIVATE_KEY } }],
  ['a key where a word belongs', { compression: PRIVATE_KEY }],
  ['a key where a name belongs', { [PRIVATE_KEY]: 1 }],
  ['control characters', { protocol: FORGED }],
  ['control characters in a name', { [FORGED]: 1 }],
  ['a sign-in where a word belongs', { protocol: URL_OF_HUNTER }],
  ['a sign-in behind a scheme that is none', { endpoint: 'ftp://shop:hunter2@localhost' }],
  ['a sign-in before a port that is none', { endpoint: 'https://shop:hunter2@localhost:99999' }],
  ['headers as text', { headers: 'authorization=hunter2' }],
  ['a header that is none', { headers: { 'hunter2: x': 'hunter2' } }],
])('an error shows nothing that may be secret of an option that is %s', (_, options) => {
  expect(() => resolveTelemetry(options as never, {})).toThrow(/^@logbridge\/core: (?!.*hunter2)\P{C}+$/u)
})

test.each([
  ['OTEL_BLRP_SCHEDULE_DELAY', URL_OF_HUNTER],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', URL_OF_HUNTER],
  ['OTEL_LOGS_EXPORTER', `otlp,${URL_OF_HUNTER}`],
  ['OTEL_PROPAGATORS', FORGED],
  ['OTEL_TRACES_SAMPLER', PRIVATE_KEY],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization hunter2'],
])('a warning shows nothing that may be secret of a variable %s', (name, text) => {
  resolveTelemetry({}, { [name]: text })
  expect(made).toEqual([expect.stringMatching(new RegExp(`^${name}(?!.*hunter2)`))])
})

test('diag level', () => {
  expect(settled('diagLogLevel', {}, {})).toBeUndefined()
  expect(settled('diagLogLevel', {}, { OTEL_LOG_LEVEL: 'debug' })).toBe(DiagLogLevel.DEBUG)
  expect(settled('diagLogLevel', {}, { OTEL_LOG_LEVEL: '30' })).toBeUndefined()
  expect(made).toEqual([expect.stringContaining('OTEL_LOG_LEVEL is ignored')])
})

test('what is switched off', () => {
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
  expect(made).toEqual([])
  expect(resolveTelemetry({}, { OTEL_SDK_DISABLED: '1' }).logs).toBeDefined()
  expect(made).toEqual([expect.stringContaining('OTEL_SDK_DISABLED is ignored')])
})

test('variables that cannot be obeyed are answered with a warning', () => {
  resolveTelemetry({}, { OTEL_CONFIG_FILE: 'otel.yaml', OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' })
  resolveTelemetry({}, { OTEL_CONFIG_FILE: 'otel.yaml', OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' })
  expect(made).toEqual([
    expect.stringContaining('OTEL_CONFIG_FILE is not read by startTelemetry()'),
    expect.stringContaining('OTEL_METRICS_EXEMPLAR_FILTER=always_on has no effect'),
  ])
  made.length = 0
  resolveTelemetry({}, { OTEL_METRICS_EXEMPLAR_FILTER: 'always_off' })
  expect(made).toEqual([])
})

test('the README names every variable', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const variables = new Set(ROWS.flatMap(({ variables = [] }) => variables))
  const missing = [...variables].filter(
    (name) =>
      !readme.includes(
        name.replace(
          /^OTEL_EXPORTER_OTLP_(LOGS|TRACES|METRICS)_(PROTOCOL|COMPRESSION|TIMEOUT|HEADERS)$/,
          'OTEL_EXPORTER_OTLP_$2',
        ),
      ),
  )
  expect(missing).toEqual([])
})
