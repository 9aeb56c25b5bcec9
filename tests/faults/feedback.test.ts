import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { run } from '@logbridge/test-support/run'
import {
  type GrpcAnswer,
  type HttpAnswer,
  partialSuccess,
  type ScriptedReceiver,
  startGrpcReceiver,
  startHttpReceiver,
} from '@logbridge/test-support/scriptedReceiver'

// Child processes that log the diagnostics of the export. The export would never end if these records were exported.

const PROGRAM = fileURLToPath(new URL('../fixtures/feedback.mjs', import.meta.url))
/** Libraries. Records of the first two can arrive late or from any code, so they run with `pnpm test`. */
const LIBRARIES = [
  ...['console', 'winston, slow'].map((library) => ({ library, tags: [] })),
  ...['winston', 'pino', 'bunyan', 'log4js'].map((library) => ({ library, tags: ['long'] })),
]
const TRACING = {
  grpc: { NODE_DEBUG: 'http2,net' },
  'http/protobuf': { NODE_DEBUG: 'http,net' },
}
type Protocol = keyof typeof TRACING

const ANSWERS: Record<string, { grpc: GrpcAnswer; 'http/protobuf': HttpAnswer }> = {
  'refuses everything': {
    grpc: { code: 'PERMISSION_DENIED', message: 'no such tenant' },
    'http/protobuf': { status: 403 },
  },
  'rejects a part': {
    grpc: { body: partialSuccess(1n, 'one too many') },
    'http/protobuf': { body: partialSuccess(1n, 'one too many') },
  },
}

describe.each(Object.keys(TRACING) as Protocol[])('over %s', (protocol) => {
  describe.each([...Object.keys(ANSWERS), 'is unreachable'])('when the receiver %s', (state) => {
    let endpoint: string
    let receiver: ScriptedReceiver<GrpcAnswer> | ScriptedReceiver<HttpAnswer> | undefined
    beforeAll(async () => {
      const answers = ANSWERS[state]
      if (answers === undefined) {
        endpoint = await unreachableUrl()
      } else if (protocol === 'grpc') {
        receiver = await startGrpcReceiver()
        receiver.answer = () => answers.grpc
        endpoint = receiver.url
      } else {
        receiver = await startHttpReceiver()
        receiver.answer = () => answers['http/protobuf']
        endpoint = receiver.url
      }
    })
    afterAll(() => receiver?.close())

    for (const { library, tags } of LIBRARIES)
      test(`${library} sends no diagnostics of the export`, { tags }, async () => {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, library], {
          env: {
            ...process.env,
            ...TRACING[protocol],
            OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          },
          maxBuffer: 2 ** 28,
        })
        const { diagnostics, stats } = JSON.parse(/^\{"diagnostics".*\}$/m.exec(stdout)![0])
        reportCounts(`receiver ${state}, ${protocol}, diag to ${library}`, stats, { diagnostics })
        expect(diagnostics).toBeGreaterThan(0)
        expect(stderr.split('\n').length).toBeGreaterThan(20)
        expect(stats.created).toBe(3)
      })
  })
})

test('export over HTTP creates no spans when the process has instrumentation-http', async () => {
  const receiver = await startHttpReceiver()
  onTestFinished(() => receiver.close())
  const printed = await run(process.execPath, ['-e', INSTRUMENTED], undefined, {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  })
  const paths = receiver.requests.map(({ path }) => path)
  expect(paths.toSorted()).toEqual(['/of-the-application', '/v1/logs', '/v1/metrics', '/v1/traces'])
  expect(JSON.parse(printed)).toEqual(['GET /of-the-application'])
})

/** Program that loads the instrumentation before the exporter. */
const INSTRUMENTED = `
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const instrumentations = [new HttpInstrumentation()]
const http = require('node:http')
const { startTelemetry } = require('@logbridge/core')
const { logs, metrics } = require('@opentelemetry/api')
const spans = []
const onEnd = ({ name, attributes }) =>
  spans.push(name + ' ' + new URL(attributes['url.full'] ?? attributes['http.url']).pathname)
const processor = { onStart() {}, onEnd, async forceFlush() {}, async shutdown() {} }
const telemetry = startTelemetry({ instrumentations, traces: { processors: [processor] } })
http.get(process.env.OTEL_EXPORTER_OTLP_ENDPOINT + '/of-the-application', (response) => {
  response.resume().on('end', async () => {
    logs.getLogger('shop').emit({ body: 'hello' })
    metrics.getMeter('shop').createCounter('jobs').add(1)
    await telemetry.forceFlush()
    console.log(JSON.stringify(spans))
    process.exit()
  })
})
`
