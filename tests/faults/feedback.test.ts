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

// Applications that log what their own export has to say, each a process: the export would never end if that were exported.

const PROGRAM = fileURLToPath(new URL('../fixtures/feedback.mjs', import.meta.url))
/** The two in which a record may come late, or from anywhere; and those in which it cannot. */
const LIBRARIES = [
  ...['console', 'winston, slow'].map((library) => ({ library, tags: [] })),
  ...['winston', 'pino', 'bunyan', 'log4js'].map((library) => ({ library, tags: ['long'] })),
]
const TRACING = {
  grpc: { GRPC_TRACE: 'all', GRPC_VERBOSITY: 'DEBUG' },
  'http/protobuf': { NODE_DEBUG: 'http,net' },
}
type Protocol = keyof typeof TRACING

const FATES: Record<string, { grpc: GrpcAnswer; 'http/protobuf': HttpAnswer }> = {
  'refuses everything': {
    grpc: { code: 'PERMISSION_DENIED', message: 'no such tenant' },
    'http/protobuf': { status: 403 },
  },
  'takes a part and says why': {
    grpc: { body: partialSuccess(1n, 'one too many') },
    'http/protobuf': { body: partialSuccess(1n, 'one too many') },
  },
}

describe.each(Object.keys(TRACING) as Protocol[])('over %s', (protocol) => {
  describe.each([...Object.keys(FATES), 'is away'])('a receiver that %s', (fate) => {
    let endpoint: string
    let receiver: ScriptedReceiver<GrpcAnswer> | ScriptedReceiver<HttpAnswer> | undefined
    beforeAll(async () => {
      const answers = FATES[fate]
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
      test(`what ${library} is told of the export is no record`, { tags }, async () => {
        const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, library], {
          env: {
            ...process.env,
            ...TRACING[protocol],
            OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
            OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          },
          maxBuffer: 2 ** 28,
        })
        const { said, stats } = JSON.parse(/^\{"said".*\}$/m.exec(stdout)![0])
        reportCounts(`${fate}, ${protocol}, told to ${library}`, stats, { said })
        // The export did have much to say.
        expect(said).toBeGreaterThan(0)
        expect(stderr.split('\n').length).toBeGreaterThan(20)
        expect(stats.created).toBe(3)
      })
  })
})

test('an export over HTTP makes no spans, with instrumentation-http in the process', async () => {
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

/** The instrumentation is there before the exporter. */
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
