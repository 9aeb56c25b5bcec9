/* Exporters of the official SDK, whose code the build puts into core, in child processes with the built package. */
import { expect, test } from 'vitest'
import { freePort } from '@logbridge/test-support/ports'
import { run } from '@logbridge/test-support/run'

test.each(['import', 'require'])(
  'startTelemetry sends spans to Zipkin and serves metrics to Prometheus when core is loaded by %s',
  async (how) => {
    const output = await run('node', ['fixtures/otherExporters.mjs', how, String(await freePort())])
    expect(JSON.parse(output)).toEqual({ spans: ['order'], orders: true })
  },
)
