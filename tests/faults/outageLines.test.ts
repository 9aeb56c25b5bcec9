import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test, vi } from 'vitest'
import { unreachableUrl } from '@logbridge/test-support/ports'
import { startHttpReceiver } from '@logbridge/test-support/scriptedReceiver'

// Lines of stderr while no receiver can be reached.

const testsFolder = fileURLToPath(new URL('..', import.meta.url))
const LOG = `loggerProvider.getLogger('l').emit({ severityNumber: 9, body: 'hello' })`

function start(code: string, endpoint: string) {
  const source = `import { startTelemetry } from '@logbridge/core'
    const telemetry = startTelemetry()
    const { loggerProvider } = telemetry
    ${code}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: testsFolder,
    env: {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return {
    child,
    lines: () => stderr.split('\n').slice(0, -1),
    stdout: text(child.stdout),
  }
}

test.each([
  ['shutdown', `${LOG}; await telemetry.shutdown(); console.log(JSON.stringify(telemetry.stats().dropped))`],
  ['the end of work', LOG],
])('startTelemetry logs one line when no receiver runs until %s', async (way, code) => {
  const url = await unreachableUrl()
  const program = start(code, url)
  await once(program.child, 'close')
  expect(program.lines()).toEqual([
    expect.stringMatching(
      new RegExp(
        `^logbridge: export to ${url} failed, dropping 1 log record.* unless an export succeeds within 3 s ` +
          '\\(start a receiver, e.g. npx @logbridge/viewer; .* OTEL_EXPORTER_OTLP_ENDPOINT\\): .*ECONNREFUSED',
      ),
    ),
  ])
  if (way === 'shutdown') expect(JSON.parse(await program.stdout)).toEqual({ shutdown_timeout: 1 })
})

test(
  'startTelemetry logs one line for each outage and each recovery when the receiver fails twice',
  { tags: 'long' },
  async () => {
    const receiver = await startHttpReceiver()
    onTestFinished(() => receiver.close())
    receiver.answer = () => ({ status: 503 })
    const program = start(
      `setInterval(() => { ${LOG}; void loggerProvider.forceFlush(50) }, 100)
      process.stdin.resume().once('end', () => process.exit())`,
      receiver.url,
    )
    const expectLines = (count: number): Promise<void> =>
      vi.waitFor(() => expect(program.lines()).toHaveLength(count), { timeout: 30_000 })
    await expectLines(1)
    receiver.answer = () => ({})
    await expectLines(2)
    receiver.answer = () => ({ status: 503 })
    await expectLines(3)
    receiver.answer = () => ({})
    await expectLines(4)
    const began = expect.stringMatching(/^logbridge: export to .* failed, retrying with backoff .*503/)
    const ended = expect.stringMatching(
      /^logbridge: export to .* succeeds again after [\d.]+ s, sending \d+ log records?\b/,
    )
    expect(program.lines()).toEqual([began, ended, began, ended])
  },
)
