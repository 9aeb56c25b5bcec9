/* OpenTelemetry's transport, instrumentations, and APIs with core and with the adapters, in child processes. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ReceivedLogRecord, startViewer } from '@logbridge/viewer'
import { describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('fixtures/official.cjs', import.meta.url))

/** Logs one warning with `user: 'ada'` in a span. Returns the received records and stderr. */
async function log(setUp: string, means: string): Promise<{ records: ReceivedLogRecord[]; stderr: string }> {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  const records: ReceivedLogRecord[] = []
  viewer.on('logs', (received) => records.push(...received))
  try {
    const { stderr } = await promisify(execFile)(process.execPath, [program, setUp, means], {
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: viewer.grpcUrl },
    })
    return { records, stderr }
  } finally {
    await viewer.close()
  }
}

const hello = {
  severityNumber: 13,
  body: 'hello',
  traceId: '1'.repeat(32),
  spanId: '2'.repeat(16),
  flags: 1,
  attributes: expect.objectContaining({ user: 'ada' }),
}

describe('@logbridge/core sends records of', () => {
  test.concurrent.for([
    ['@opentelemetry/winston-transport', '@opentelemetry/winston-transport'],
    ['@opentelemetry/instrumentation-pino', '@opentelemetry/instrumentation-pino'],
    ['@opentelemetry/instrumentation-bunyan', '@opentelemetry/instrumentation-bunyan'],
    ['@opentelemetry/api-logs', 'shop'],
    ['@opentelemetry/api', 'shop'],
  ] as const)('%s', async ([means, scope]) => {
    const { records, stderr } = await log('@logbridge/core', means)
    expect(records).toEqual([expect.objectContaining({ ...hello, severityText: 'warn' })])
    expect(records[0]!.scope.name).toBe(scope)
    expect(stderr).toBe('')
  })
})

describe('adapter sends a record when', () => {
  test.concurrent.for([
    {
      defect: 'winston-transport 0.34 sends nothing with SDK 3.x (two API globals)',
      setUp: 'SDK 3.x',
      official: '@opentelemetry/winston-transport',
      ours: '@logbridge/winston',
      works: { setUp: 'SDK 2.x', official: '@opentelemetry/winston-transport' },
    },
    {
      defect: 'instrumentation-pino 0.70 sends nothing with SDK 2.x (two API globals)',
      setUp: 'SDK 2.x',
      official: '@opentelemetry/instrumentation-pino',
      ours: '@logbridge/pino',
      works: { setUp: 'SDK 3.x', official: '@opentelemetry/instrumentation-pino' },
    },
    {
      defect: 'instrumentation-bunyan ignores bunyan 2',
      setUp: 'SDK 3.x',
      official: '@opentelemetry/instrumentation-bunyan, bunyan 2',
      ours: '@logbridge/bunyan',
      works: { setUp: 'SDK 3.x', official: '@opentelemetry/instrumentation-bunyan' },
    },
  ] as const)('$defect', async ({ setUp, official, ours, works }) => {
    const sent = { records: [expect.objectContaining(hello)], stderr: '' }
    expect(await log(setUp, official)).toEqual({ records: [], stderr: '' })
    expect(await log(setUp, ours)).toEqual(sent)
    // The official package sends with the other SDK or version.
    expect(await log(works.setUp, works.official)).toEqual(sent)
  })

  test.concurrent.for(['SDK 2.x', 'SDK 3.x', '@logbridge/core'])(
    'log4js logs to %s, for which no other bridge exists',
    async (setUp) => {
      const { records, stderr } = await log(setUp, '@logbridge/log4js')
      expect(records).toEqual([expect.objectContaining({ ...hello, severityText: 'WARN' })])
      expect(stderr).toBe('')
    },
  )
})
