import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { toConsole } from '../../src/signals/console.ts'

// Child processes, because a failing stream ends the process.

/** Exports to the console, waits for events of stdout, and prints them to stderr. */
const PROGRAM = `
  import { startTelemetry } from '@logbridge/core'
  const telemetry = startTelemetry()
  const wait = () => new Promise((resolve) => setTimeout(resolve, 20))
  const body = 'x'.repeat(1000)
  for (let turn = 0; turn < 10; turn += 1) {
    for (let i = 0; i < COUNT; i += 1) {
      telemetry.loggerProvider.getLogger('shop').emit({ body })
      telemetry.tracerProvider.getTracer('shop').startSpan(body).end()
    }
    telemetry.meterProvider.getMeter('shop').createCounter('orders').add(1)
    await telemetry.forceFlush()
    await wait()
  }
  await telemetry.shutdown()
  console.error('alive', process.stdout.writableLength < 3_000_000)`
const env = {
  ...process.env,
  OTEL_LOGS_EXPORTER: 'console',
  OTEL_TRACES_EXPORTER: 'console',
  OTEL_METRICS_EXPORTER: 'console',
}

async function run(stdout: 'gone' | 'unread' | number, count = 2) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM.replace('COUNT', `${count}`)], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env,
    stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'],
  })
  if (stdout === 'gone') child.stdout!.destroy()
  let stderr = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    if (stdout === 'unread' && stderr.includes('alive')) child.stdout!.resume()
  })
  const [exitCode] = await once(child, 'close')
  return { exitCode, stderr }
}

test('toConsole keeps the process running when stdout is closed', async () => {
  expect(await run('gone')).toEqual({ exitCode: 0, stderr: 'alive true\n' })
})

test('toConsole keeps the process running when stdout is a file on a full disk', async () => {
  const full = openSync('/dev/full', 'w')
  const ended = await run(full)
  closeSync(full)
  expect(ended).toEqual({ exitCode: 0, stderr: 'alive true\n' })
})

test('toConsole drops lines and reports that once when stdout has no reader', async () => {
  const { exitCode, stderr } = await run('unread', 200)
  expect(exitCode).toBe(0)
  expect(stderr.match(/logbridge: stdout is not read/g)).toHaveLength(1)
  expect(stderr).toContain('alive true')
})

test('OTEL_LOG_LEVEL keeps the process running when stdout and stderr are closed', async () => {
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { startTelemetry } from '@logbridge/core'
      import { diag } from '@opentelemetry/api'
      const telemetry = startTelemetry({ logs: false, traces: false, metrics: false })
      for (let turn = 0; turn < 5; turn += 1) {
        diag.error('no'); diag.info('no')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }`,
    ],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, OTEL_LOG_LEVEL: 'all' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  child.stdout.destroy()
  child.stderr.destroy()
  expect(await once(child, 'close')).toEqual([0, null])
})

test('toConsole removes its listener of stdout when it throws', async () => {
  const before = process.stdout.listeners('error')
  const exporter = toConsole({
    export(_items: unknown, _done: () => void): void {
      throw new Error('no')
    },
  })
  expect(() => exporter.export([], () => {})).toThrow('no')
  await vi.waitFor(() => expect(process.stdout.listeners('error')).toEqual(before))
})
