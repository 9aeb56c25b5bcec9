import { resolve } from 'node:path'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { expect, test } from 'vitest'
import { resolveLogs, resolveTelemetry } from '../../src/config/config.ts'
import { resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()
const SIGNALS = ['logs', 'traces', 'metrics'] as const

test.each(SIGNALS)('resolveTelemetry replaces the receiver of %s when the option file is given', (signal) => {
  const options = { endpoint: 'http://c:4317', [signal]: { file: { path: 'a.jsonl', files: 3 } } }
  const config = resolveTelemetry(options, {})
  for (const each of SIGNALS) {
    expect(config[each]!.exporters).toEqual(['otlp'])
    expect(config[each]!.exporter).toMatchObject(
      each === signal
        ? { protocol: 'file', path: resolve('a.jsonl'), maxBytes: 104_857_600, files: 3, fsync: false }
        : { protocol: 'grpc', url: 'http://c:4317' },
    )
  }
})

test.each(SIGNALS)('resolveTelemetry writes %s to stdout when the variable says otlp/stdout', (signal) => {
  const env = { [`OTEL_${signal.toUpperCase()}_EXPORTER`]: 'console,OTLP/stdout' }
  expect(resolved(`${signal}.exporter`, {}, env)).toEqual({ protocol: 'stdout' })
  expect(resolved(`${signal}.exporters`, {}, env)).toEqual(['otlp', 'console'])
})

test('resolveTelemetry ignores otlp with a warning when the variable says otlp/stdout, too', () => {
  const env = { OTEL_TRACES_EXPORTER: 'otlp,otlp/stdout' }
  expect(resolved('traces.exporter', {}, env)).toEqual({ protocol: 'stdout' })
  expect(resolved('traces.exporters', {}, env)).toEqual(['otlp'])
  expect(warnings).toEqual([
    "OTEL_TRACES_EXPORTER: 'otlp' is ignored beside 'otlp/stdout', because OTLP of one signal has one destination",
  ])
})

test.each(['none', 'otlp/stdout', 'otlp'])(
  'resolveTelemetry prefers the option file when the variable says %s',
  (exporter) => {
    const env = { OTEL_LOGS_EXPORTER: exporter, OTEL_EXPORTER_OTLP_ENDPOINT: 'not a URL' }
    const options = { logs: { file: { path: 'a.jsonl' } }, traces: false, metrics: false } as const
    expect(resolveTelemetry(options, env).logs).toMatchObject({
      exporter: { protocol: 'file' },
      exporters: ['otlp'],
    })
    // The endpoint is not used, so that nothing is to be said about it.
    expect(warnings).toEqual([])
  },
)

test('resolveTelemetry adds the file when metrics are served to Prometheus', () => {
  const options = { metrics: { prometheus: {}, file: { path: 'a.jsonl' } } }
  expect(resolved('metrics.exporters', options, {})).toEqual(['otlp', 'prometheus'])
})

test.each([
  [{}, 'option logs.file.path is not set; it accepts the path of a file'],
  [{ path: '' }, 'option logs.file.path'],
  [{ path: 'a\0b' }, 'option logs.file.path'],
  [{ path: 'a', maxBytes: 0 }, 'option logs.file.maxBytes'],
  [{ path: 'a', files: 1.5 }, 'option logs.file.files'],
  [{ path: 'a', fsync: 'yes' }, 'option logs.file.fsync'],
  [{ path: 'a', size: 1 }, 'logs.file.size'],
  ['a.jsonl', 'option logs.file'],
])('resolveTelemetry throws when the option file is %j', (file, message) => {
  const options = { logs: { file } } as unknown as Parameters<typeof resolveTelemetry>[0]
  expect(thrownBy(() => resolveTelemetry(options, {})).message).toContain(message)
})

test('resolveTelemetry throws when a signal has both a file and an endpoint', () => {
  const file = { path: 'a.jsonl' }
  const options = { logs: { file, endpoint: 'http://c:4317' } }
  expect(thrownBy(() => resolveTelemetry(options, {})).message).toContain(
    'option logs.file replaces the receiver, so that the option logs.endpoint has no effect',
  )
  expect(thrownBy(() => resolveLogs({ file, endpoint: 'http://c:4317' }, {})).message).toContain(
    'option file replaces the receiver, so that the option endpoint has no effect',
  )
})
