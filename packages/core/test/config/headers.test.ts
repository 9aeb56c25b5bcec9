import { expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import type { HeadersOption, TelemetryOptions } from '../../src/config/options.ts'
import { type Env, resolved, thrownBy } from './resolved.ts'

const warnings = capturedWarnings()

async function headersOf(options: TelemetryOptions, env: Env = {}): Promise<Record<string, string>> {
  const headers = resolved('logs.exporter.headers', options, env) as HeadersOption
  return typeof headers === 'function' ? await headers() : headers
}

test('resolveExporter has no headers when neither options nor variables have some', async () => {
  expect(await headersOf({})).toEqual({})
  expect(
    await headersOf({}, { OTEL_EXPORTER_OTLP_HEADERS: ' ', OTEL_EXPORTER_OTLP_LOGS_HEADERS: '' }),
  ).toEqual({})
  expect(await headersOf({}, { OTEL_EXPORTER_OTLP_HEADERS: ' a=1,b=x%20y%3D ' })).toEqual({
    a: '1',
    b: 'x y=',
  })
  expect(warnings).toEqual([])
})

test('resolveExporter merges headers by their names when a signal and all signals have some', async () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: 'tenant=all,Authorization=all,a=1',
    OTEL_EXPORTER_OTLP_LOGS_HEADERS: 'authorization=logs,b=2',
  }
  expect(await headersOf({}, env)).toEqual({ tenant: 'all', authorization: 'logs', a: '1', b: '2' })
  const options = { headers: { B: '3', c: '3' }, logs: { headers: { c: '4' } } }
  // The secrets of variables stay away from the endpoint of an option.
  expect(await headersOf(options, env)).toEqual({ B: '3', c: '4' })
})

test('resolveExporter merges the results of functions for each request when headers are functions', async () => {
  let calls = 0
  const options = {
    headers: () => ({ token: String((calls += 1)), tenant: 'all' }),
    logs: { headers: async () => ({ tenant: 'logs' }) },
  }
  const headers = resolved('logs.exporter.headers', options, {}) as () => Promise<Record<string, string>>
  expect(await headers()).toEqual({ token: '1', tenant: 'logs' })
  expect(await headers()).toEqual({ token: '2', tenant: 'logs' })
  const sync = resolved(
    'logs.exporter.headers',
    { headers: options.headers, logs: { headers: { a: '1' } } },
    {},
  )
  expect((sync as () => unknown)()).toEqual({ a: '1', token: '3', tenant: 'all' })
})

test('resolveExporter keeps an invalid result of a function, which the transport refuses', async () => {
  const invalid = { headers: () => new Map([['a', '1']]) as never, logs: { headers: { b: '2' } } }
  expect(await headersOf(invalid)).toEqual(new Map([['a', '1']]))
})

test.each([
  ['api-key=100%sure', 'a value of api-key with a % that has to be percent-encoded (%25)'],
  ['"api-key=hunter2"', 'a quote at its beginning (docker --env-file keeps quotes: leave them out)'],
  ['api-key=hunter2\nx', 'a value of api-key with a line break'],
  ['api-key=hunter2%0A', 'a value of api-key with a line break'],
  [
    'a=1,hunter2',
    'an item without = (the form is name=value,name2=value2, and a comma within a value is %2C)',
  ],
  [
    'Authorization: Bearer hunter2',
    ': instead of = after Authorization (the form is name=value,name2=value2, and a comma within a value is %2C)',
  ],
  ['a=1,Content-Encoding=br', 'Content-Encoding, which the option compression decides'],
  ['grpc-encoding=gzip', 'grpc-encoding, which the option compression decides'],
  ['api key=hunter2', 'a name that cannot be sent'],
  ['api-key=hünter2', 'a value of api-key with a character that is not printable ASCII'],
])('resolveExporter says why it ignores the headers when the variable is %j', (text, problem) => {
  resolved('logs', {}, { OTEL_EXPORTER_OTLP_HEADERS: text })
  expect(warnings).toEqual([`OTEL_EXPORTER_OTLP_HEADERS is ignored: its value has ${problem}`])
})

test('resolveExporter says why it refuses the headers when the option has an invalid value', () => {
  const { message } = thrownBy(() => resolved('logs', { headers: { 'api-key': 'hunter2\n' } }, {}))
  expect(message).toContain('option headers has a value of api-key with a line break; it accepts')
  const map = thrownBy(() => resolved('logs', { headers: new Map([['a', '1']]) as never }, {}))
  expect(map.message).toContain(
    'option headers has entries but no properties, as a Map or Headers has (use Obj',
  )
})
