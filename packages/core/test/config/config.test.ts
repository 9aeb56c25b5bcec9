import { DiagLogLevel } from '@opentelemetry/api'
import { AlwaysOnSampler } from '@opentelemetry/sdk-trace'
import { describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { resolveLogs, resolveTelemetry } from '../../src/config/config.ts'
import type { TelemetryOptions } from '../../src/config/options.ts'
import { resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

function optionsAt(path: string, value: unknown): TelemetryOptions {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as TelemetryOptions
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
      invalidOption: -1,
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
    invalid: '-1',
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
    invalidOption: -1,
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
    invalid: '1.5 s',
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
      expect(message).toMatch(new RegExp(`option ${option} (is|has an item)`))
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
  expect(exporters).toMatchObject([
    { timeoutMillis: 5, compression: 'gzip' },
    { timeoutMillis: 6, compression: 'gzip' },
    { timeoutMillis: 5, compression: 'gzip' },
  ])
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

test('resolveLogs reads a variable when its number has decimals, and its words are in capitals', () => {
  const env = {
    OTEL_EXPORTER_OTLP_TIMEOUT: '1500.5',
    OTEL_BLRP_SCHEDULE_DELAY: '2e3',
    OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: 'Infinity',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/PROTOBUF',
  }
  expect(resolveLogs({}, env)).toMatchObject({
    exporter: { timeoutMillis: 1500.5, protocol: 'http/protobuf' },
    scheduledDelayMillis: 2000,
    limits: { attributeCountLimit: Infinity },
  })
  expect(warnings).toEqual([])
})

test('resolveLogs names the longest timeout when a variable is longer', () => {
  resolveLogs({}, { OTEL_EXPORTER_OTLP_TIMEOUT: '99999999999' })
  expect(warnings).toEqual([
    "OTEL_EXPORTER_OTLP_TIMEOUT is ignored: '99999999999' is not a number of milliseconds from 0 to 2147483647",
  ])
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
  expect(config.exporter).toMatchObject({ url: 'http://c:4318/x/v1/logs' })
  expect(thrownBy(() => resolveLogs({ limits: { attributeCountLimit: -1 } }, {})).message).toContain(
    'option limits.attributeCountLimit',
  )
})

describe('resolveTelemetry', () => {
  test.each([
    ['logs', 'OTEL_LOGS_EXPORTER', ['otlp', 'console']],
    ['traces', 'OTEL_TRACES_EXPORTER', ['otlp', 'console', 'zipkin']],
    ['metrics', 'OTEL_METRICS_EXPORTER', ['otlp', 'console', 'prometheus']],
  ])('returns the known exporters of %s when the variable lists several', (signal, variable, known) => {
    const exporters = (text: string): unknown => resolved(`${signal}.exporters`, {}, { [variable]: text })
    expect(exporters('')).toEqual(['otlp'])
    expect(exporters('none')).toEqual([])
    expect(exporters(`${known.join(' , ')},otlp`)).toEqual(known)
    expect(warnings).toEqual([])
    expect(exporters('console,jaeger')).toEqual(['console'])
    expect(exporters('jaeger')).toEqual(['otlp'])
    expect(warnings).toEqual([
      `${variable}: 'jaeger' is ignored; ${variable} accepts ${known.join(', ').replace('otlp', 'otlp, otlp/stdout')}, none`,
    ])
  })

  test('returns prometheus alone for metrics when the option prometheus is set', () => {
    expect(
      resolved('metrics.exporters', { metrics: { prometheus: {} } }, { OTEL_METRICS_EXPORTER: 'otlp' }),
    ).toEqual(['prometheus'])
  })
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
