import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'

// All lines of stderr that an operator reads.

const program = findCollector()
const WAIT_OPTIONS = { timeout: 60_000, interval: 20 }
const testsFolder = fileURLToPath(new URL('..', import.meta.url))

/** Starts a program from its source. */
function start(code: string, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: testsFolder,
    env: { ...process.env, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stdout = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  const stderr = text(child.stderr)
  return {
    end: () => child.stdin.end(),
    stdout: () => stdout,
    async ended() {
      await once(child, 'close')
      return { stdout, lines: (await stderr).trimEnd().split('\n'), code: child.exitCode }
    },
  }
}

describe.skipIf(program === undefined)('stderr has', () => {
  test(
    'one line each for failing exports, their recovery, the first drops, and the totals when the Collector is unreachable for a while',
    { tags: 'long' },
    async () => {
      const collector = await startCollector(program as string, { onLogs() {} })
      onTestFinished(() => collector.stop())
      await collector.kill()
      const application = start(
        `import { createLoggerProvider } from '@logbridge/core'
      let reported = 0
      const provider = createLoggerProvider({
        maxQueueBytes: 100_000,
        scheduledDelayMillis: 10,
        onDrop: (reason, count) => { reported += count },
      })
      const logger = provider.getLogger('l')
      let created = 0
      const stream = setInterval(() => {
        for (let n = 0; n < 100; n += 1) {
          logger.emit({ body: 'x'.repeat(100), severityNumber: created++ % 2 ? 9 : 17 })
        }
        // A second attempt has failed by then.
        if (created === 10_000) console.log('enough')
      }, 20)
      process.stdin.resume().once('end', async () => {
        clearInterval(stream)
        await provider.shutdown()
        console.log(JSON.stringify({ reported, stats: provider.stats() }))
      })`,
        { OTEL_EXPORTER_OTLP_ENDPOINT: collector.grpcUrl },
      )
      await vi.waitFor(() => expect(application.stdout()).toContain('enough'), WAIT_OPTIONS)
      await collector.restart()
      application.end()
      const { stdout, lines } = await application.ended()
      const { reported, stats } = JSON.parse(stdout.slice(stdout.indexOf('{')))
      reportCounts('drops by onDrop', stats, { reported })
      const lost = stats.dropped['queue_full']
      expect(lost).toBeGreaterThan(0)
      expect(reported).toBe(lost)
      // The shutdown may wait for more than a second.
      const once = lines.filter((line) => !line.includes('still waiting'))
      expect(once.toSorted()).toEqual([
        expect.stringMatching(new RegExp(`^logbridge: dropped ${lost} log records: queue_full `)),
        expect.stringMatching(/^logbridge: dropping log records, the queue is full: /),
        expect.stringMatching(
          /^logbridge: export to \S+ failed, retrying with backoff .*: gRPC UNAVAILABLE: connect ECONNREFUSED/,
        ),
        expect.stringMatching(
          /^logbridge: export to \S+ succeeds again after .* s, sending \d+ log records$/,
        ),
      ])
    },
  )

  test('one line about http/json when all three signals are sent as protobuf instead', async () => {
    const collector = await startCollector(program as string)
    onTestFinished(() => collector.stop())
    const application = start(
      `import { startTelemetry } from '@logbridge/core'
      const { loggerProvider, tracerProvider, meterProvider, shutdown } = startTelemetry()
      loggerProvider.getLogger('l').emit({ body: 'hello' })
      tracerProvider.getTracer('t').startSpan('work').end()
      meterProvider.getMeter('m').createCounter('c').add(1)
      await shutdown()`,
      { OTEL_EXPORTER_OTLP_ENDPOINT: collector.httpUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    )
    const { lines, code } = await application.ended()
    expect(code).toBe(0)
    expect(lines).toEqual([expect.stringMatching(/^logbridge: .*http\/json.*http\/protobuf/)])
    const { resourceLogs, resourceSpans, resourceMetrics } = collector.received
    expect([resourceLogs, resourceSpans, resourceMetrics].map((each) => each.length > 0)).toEqual([
      true,
      true,
      true,
    ])
  })
})
