import { startViewer } from '@logbridge/viewer'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { start } from '../programs.ts'
import { NOTHING } from '@logbridge/test-support/stats'

// The wall clock stamps records, and nothing waits by it. It is set while requests are under way.

const DAY = 24 * 60 * 60 * 1000

async function receive(protocol: 'grpc' | 'http/protobuf') {
  const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
  onTestFinished(() => viewer.close())
  const bodies: unknown[] = []
  viewer.on('logs', (records) => bodies.push(...records.map(({ body }) => body)))
  const proxy = await startFaultProxy(protocol === 'grpc' ? viewer.grpcUrl : viewer.httpUrl)
  onTestFinished(() => proxy.close())
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: proxy.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol }
  return { viewer, bodies, proxy, env }
}

/** `Date.now`, which a time server could set as well, by `setClock`. */
const CLOCK = `
import { startTelemetry } from '@logbridge/core'
import { setTimeout as wait } from 'node:timers/promises'
const real = Date.now
let offset = 0
Date.now = () => real() + offset
const setClock = (millis) => { offset = millis }
const jumps = process.argv.slice(1).map(Number)
const telemetry = startTelemetry({ metrics: false })
const logger = telemetry.loggerProvider.getLogger('l')
const tracer = telemetry.tracerProvider.getTracer('t')
`

describe.each(['grpc', 'http/protobuf'] as const)('%s', (protocol) => {
  const jumps = [DAY, -DAY, 0, -DAY, DAY, 0]

  test('createTransport sends each record once when the clock jumps a day ahead and back during requests', async () => {
    const { viewer, bodies, proxy, env } = await receive(protocol)
    proxy.fault = { latencyMillis: 40 }
    const program = start(
      `${CLOCK}
      for (const jump of jumps) {
        logger.emit({ body: jump })
        tracer.startSpan('work').end()
        const flushed = telemetry.forceFlush()
        await wait(20)
        setClock(jump)
        await flushed
      }
      console.log(JSON.stringify(telemetry.stats()))
      await telemetry.shutdown()`,
      { env, args: jumps.map(String) },
    )
    const { stdout, stderr } = await program.ended
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      created: jumps.length,
      delivered: jumps.length,
      dropped: NOTHING,
    })
    expect(bodies).toEqual(jumps)
    expect(viewer.counts.spans).toBe(jumps.length)
  })

  test.each([DAY, -DAY])(
    'createTransport retries requests when the clock jumps by %i ms while the receiver is unreachable',
    async (jump) => {
      const { bodies, proxy, env } = await receive(protocol)
      await proxy.refuse()
      const program = start(
        `${CLOCK}
      logger.emit({ body: 'before' })
      const flushed = telemetry.forceFlush(20_000)
      await wait(200)
      setClock(jumps[0])
      logger.emit({ body: 'after' })
      console.log('jumped')
      await flushed
      await telemetry.forceFlush()
      console.log(JSON.stringify(telemetry.stats()))
      await telemetry.shutdown()`,
        { env, args: [String(jump)] },
      )
      await program.printed('jumped')
      await proxy.listen()
      const { stdout } = await program.ended
      expect(JSON.parse(stdout.split('\n')[1]!)).toMatchObject({ created: 2, delivered: 2, dropped: NOTHING })
      expect(new Set(bodies)).toEqual(new Set(['before', 'after']))
      expect(bodies).toHaveLength(2)
    },
  )

  test('createTransport keeps the deadline of a request when the clock was a day behind at its start', async () => {
    const { proxy, env } = await receive(protocol)
    proxy.fault = { blackHole: true }
    const program = start(
      `${CLOCK}
      logger.emit({ body: 'hello' })
      const flushed = telemetry.forceFlush(1500)
      setImmediate(() => setClock(-${DAY}))
      await flushed
      await telemetry.shutdown(0)`,
      { env: { ...env, OTEL_EXPORTER_OTLP_TIMEOUT: '300' } },
    )
    const { stderr } = await program.ended
    // The attempt ended after 300 ms and was retried.
    expect(stderr).toMatch(
      /export to \S+ failed, (?:retrying with backoff|dropping) .*(?:DEADLINE_EXCEEDED|Timeout|timed out|in time)/i,
    )
  })
})
