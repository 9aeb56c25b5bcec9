import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { encode, exportGrpc, oneLog } from './otlp.ts'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const { NO_COLOR: _no, FORCE_COLOR: _force, ...environment } = process.env

class Run {
  readonly child: ChildProcess
  readonly exit: Promise<unknown[]>
  stdout = ''
  stderr = ''

  constructor(args: string[], env: NodeJS.ProcessEnv = {}, stdout: 'pipe' | 'unread' | number = 'pipe') {
    this.child = spawn(process.execPath, [cli, ...args], {
      env: { ...environment, ...env },
      stdio: ['ignore', stdout === 'unread' ? 'pipe' : stdout, 'pipe'],
    })
    this.exit = once(this.child, 'close')
    if (stdout === 'pipe') this.readStdout()
    this.child.stderr!.on('data', (data) => (this.stderr += data))
  }

  readStdout(): void {
    this.child.stdout!.on('data', (data) => (this.stdout += data))
  }

  /** Waits for the line with the ports. */
  async ready(): Promise<{ grpcPort: number; httpUrl: string }> {
    for await (const line of createInterface({ input: this.child.stderr! })) {
      const match =
        /^Receiving OTLP: gRPC at http:\/\/127\.0\.0\.1:(\d+), HTTP at (http:\/\/127\.0\.0\.1:\d+)$/.exec(
          line,
        )
      if (match) return { grpcPort: Number(match[1]), httpUrl: match[2]! }
    }
    throw new Error(`The viewer did not start: ${this.stderr}`)
  }

  /** Waits for the line with the URLs, of any host. */
  async anyReady(): Promise<{ grpcUrl: string; url: string }> {
    for await (const line of createInterface({ input: this.child.stderr! })) {
      const match = /^Receiving OTLP: gRPC at (\S+), HTTP at (\S+)$/.exec(line)
      if (match) return { grpcUrl: match[1]!, url: match[2]! }
    }
    throw new Error(`The viewer did not start: ${this.stderr}`)
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    await this.exit
    return this.child.exitCode
  }
}

let run: Run

afterEach(async () => {
  run.child.kill('SIGKILL')
  await run.exit
})

const free = ['--terminal', '--grpc-port', '0', '--http-port=0']
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
const scope = { name: 'payment' }
const records = [
  {
    timeUnixNano: '1700000000123000000',
    severityNumber: 5,
    severityText: 'debug',
    body: { stringValue: 'cache miss' },
  },
  {
    timeUnixNano: '1700000000124000000',
    severityNumber: 17,
    severityText: 'error',
    body: { stringValue: 'failed\n12:00:00.000 INFO forged\u001B[2J' },
    attributes: [
      { key: 'order.id', value: { intValue: '42' } },
      { key: 'exception.type', value: { stringValue: 'Error' } },
      { key: 'exception.message', value: { stringValue: 'boom' } },
      { key: 'exception.stacktrace', value: { stringValue: 'Error: boom\n    at f (a.js:1:2)' } },
    ],
    traceId,
  },
]
const logs = { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: records }] }] }
const spans = {
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope,
          spans: [
            {
              traceId,
              spanId: '00f067aa0ba902b7',
              name: 'GET /orders',
              kind: 2,
              startTimeUnixNano: '1700000000000000000',
              endTimeUnixNano: '1700000000012300000',
            },
          ],
        },
      ],
    },
  ],
}
const metrics = {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          scope,
          metrics: [
            { name: 'queue', gauge: { dataPoints: [{ timeUnixNano: '1700000000000000000', asInt: '7' }] } },
          ],
        },
      ],
    },
  ],
}

async function send(httpUrl: string, path: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${httpUrl}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect(response.status).toBe(200)
}

/** Runs the command, sends all three signals, stops the command, and returns its stdout. */
async function printed(args: string[], env?: NodeJS.ProcessEnv): Promise<string> {
  run = new Run([...free, ...args], env)
  const { httpUrl } = await run.ready()
  await send(httpUrl, '/v1/logs', logs)
  await send(httpUrl, '/v1/traces', spans)
  await send(httpUrl, '/v1/metrics', metrics)
  expect(await run.stop()).toBe(0)
  return run.stdout
}

function localTime(millis: number): string {
  const time = new Date(millis)
  return `${time.toTimeString().slice(0, 8)}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

describe('logbridge-viewer', () => {
  it('prints each record with escaped control characters', async () => {
    expect((await printed([])).split('\n')).toEqual([
      `${localTime(1_700_000_000_123)} DEBUG  shop [payment] cache miss`,
      String.raw`${localTime(1_700_000_000_124)} ERROR  shop [payment] failed\n12:00:00.000 INFO forged\x1b[2J order.id=42 trace=${traceId}`,
      '    Error: boom',
      '        at f (a.js:1:2)',
      `${localTime(1_700_000_000_000)} SPAN   shop [payment] GET /orders server 12.3ms trace=${traceId}`,
      `${localTime(1_700_000_000_000)} METRIC shop [payment] queue gauge 7`,
      '',
    ])
  })

  it('prints records that arrive over gRPC', async () => {
    run = new Run(free)
    const { grpcPort } = await run.ready()
    await exportGrpc(grpcPort, 'logs', encode('logs', oneLog({ body: { stringValue: 'over gRPC' } })))
    await run.stop()
    expect(run.stdout).toContain('over gRPC')
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'exits with status 0 and prints a summary when it gets %s',
    async (signal) => {
      run = new Run(free)
      const { httpUrl } = await run.ready()
      await send(httpUrl, '/v1/logs', logs)
      await send(httpUrl, '/v1/traces', spans)
      await send(httpUrl, '/v1/metrics', metrics)
      expect(await run.stop(signal)).toBe(0)
      expect(run.stderr).toContain('Received 2 log records, 1 span, 1 data point; refused 0 requests\n')
    },
  )

  it('hides records when --no-spans, --no-metrics and --min-severity are given', async () => {
    const output = await printed(['--no-spans', '--no-metrics', '--min-severity', 'warn'])
    expect(output).toContain('ERROR')
    expect(output).not.toMatch(/DEBUG|SPAN|METRIC/)
    expect(run.stderr).toContain('Received 2 log records, 1 span, 1 data point')
  })

  it('prints the metrics of an SDK about itself when --sdk-metrics is given', async () => {
    const own = { ...metrics.resourceMetrics[0]!.scopeMetrics[0]!.metrics[0], name: 'otel.sdk.log.created' }
    const body = { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics: [own] }] }] }
    for (const [flags, expected] of [
      [[], ''],
      [['--json'], ''],
      [['--sdk-metrics'], expect.stringContaining('otel.sdk.log.created')],
    ] as const) {
      run = new Run([...free, ...flags])
      const { httpUrl } = await run.ready()
      await send(httpUrl, '/v1/metrics', body)
      await run.stop()
      expect(run.stdout).toEqual(expected)
      expect(run.stderr).toContain('1 data point;')
    }
  })

  it.each(['::1', 'localhost', '::', '0.0.0.0'])(
    'listens on %s when --host is that address',
    async (host) => {
      run = new Run([...free, '--host', host])
      const { url, grpcUrl } = await run.anyReady()
      await send(url, '/v1/logs', logs)
      const { hostname, port } = new URL(grpcUrl)
      await exportGrpc(
        Number(port),
        'logs',
        encode('logs', oneLog({ body: { stringValue: 'over gRPC' } })),
        {},
        hostname,
      )
      if (host === '::') await send(url.replace('[::1]', '127.0.0.1'), '/v1/logs', logs)
      await run.stop()
      expect(run.stdout).toContain('cache miss')
      expect(run.stdout).toContain('over gRPC')
    },
  )

  it('accepts a number for --min-severity', async () => {
    expect(await printed(['--min-severity', '6'])).not.toContain('cache miss')
  })

  it('prints one line of JSON for each record when --json is given', async () => {
    const lines = (await printed(['--json'])).trimEnd().split('\n')
    expect(lines).toHaveLength(4)
    const [debug, error, span, metric] = lines.map((line) => JSON.parse(line))
    expect(debug).toMatchObject({ signal: 'log', timeUnixNano: '1700000000123000000', body: 'cache miss' })
    expect(error).toMatchObject({
      body: records[1]!.body.stringValue,
      traceId,
      attributes: { 'order.id': 42 },
    })
    expect(span).toMatchObject({ signal: 'span', name: 'GET /orders', kind: 'server' })
    expect(metric).toMatchObject({ signal: 'metric', type: 'gauge', dataPoints: [{ value: 7 }] })
  })

  it.each([
    { output: 'plain text', condition: 'stdout is a pipe', args: [], env: {} },
    { output: 'colors', condition: 'FORCE_COLOR is set', args: [], env: { FORCE_COLOR: '1' } },
    { output: 'colors', condition: '--color is given', args: ['--color'], env: { NO_COLOR: '1' } },
    {
      output: 'plain text',
      condition: 'NO_COLOR is set',
      args: [],
      env: { NO_COLOR: '1', FORCE_COLOR: '1' },
    },
    {
      output: 'plain text',
      condition: '--no-color is given',
      args: ['--no-color'],
      env: { FORCE_COLOR: '1' },
    },
  ])('prints $output when $condition', async ({ output, args, env }) => {
    const text = await printed(args, env)
    expect(text.includes('\u001B[31mERROR')).toBe(output === 'colors')
    expect(text.includes('\u001B')).toBe(output === 'colors')
  })

  it.each([
    ['OTLP/gRPC', '--grpc-port', ['--terminal', '--http-port', '0']],
    ['OTLP/HTTP', '--http-port', ['--terminal', '--grpc-port', '0']],
    ['the page', '--port', ['--http-port', '0', '--grpc-port', '0']],
  ])('prints one line with the flag when the port for %s is in use', async (protocol, flag, others) => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    run = new Run([flag, String(port), ...others])
    await run.exit
    other.close()
    expect(run.child.exitCode).toBe(1)
    expect(run.stderr).toMatch(
      new RegExp(
        `^logbridge-viewer: Port ${port} for ${protocol} is already in use.* choose another port with ${flag} \\(0: any free port\\)\\.\\n$`,
      ),
    )
  })

  it('prints one line with --host when the machine has no such address', async () => {
    run = new Run([...free, '--host', '192.0.2.1'])
    await run.exit
    expect(run.child.exitCode).toBe(1)
    expect(run.stderr).toMatch(/^logbridge-viewer: Cannot listen on 192\.0\.2\.1, .* Set another --host\.\n$/)
  })

  it.each([
    { args: ['--grpc-port', 'abc'], message: '--grpc-port' },
    { args: ['--http-port', '70000'], message: '--http-port' },
    { args: ['--terminal', '--min-severity', 'loud'], message: 'trace, debug, info, warn, error, fatal' },
    { args: ['--unknown'], message: '--unknown' },
    { args: ['somewhere'], message: 'somewhere' },
  ])('exits with status 2 when its arguments are $args', async ({ args, message }) => {
    run = new Run(args)
    await run.exit
    expect(run.child.exitCode).toBe(2)
    expect(run.stderr).toContain(message)
    expect(run.stdout).toBe('')
  })

  it('prints every option for --help and the version for -v', async () => {
    run = new Run(['--help'])
    await run.exit
    expect(run.child.exitCode).toBe(0)
    for (const flag of [
      'grpc-port',
      'http-port',
      'host',
      'min-severity',
      'no-spans',
      'no-metrics',
      'sdk-metrics',
      'json',
      'no-color',
    ]) {
      expect(run.stdout).toContain(`--${flag}`)
    }
    run = new Run(['-v'])
    await run.exit
    expect(run.stdout).toBe(`${packageJson.version}\n`)
  })

  it('exits with status 0 and prints no error when the reader of stdout closes the pipe', async () => {
    run = new Run(free)
    const { httpUrl } = await run.ready()
    run.child.stdout!.destroy()
    await send(httpUrl, '/v1/logs', logs).catch(() => {})
    await run.exit
    expect(run.child.exitCode).toBe(0)
    expect(run.stderr).not.toContain('EPIPE')
  })

  it('keeps receiving and exits with status 0 when stderr is closed', async () => {
    run = new Run(free)
    const { httpUrl } = await run.ready()
    run.child.stderr!.destroy()
    await send(httpUrl, '/v1/logs', logs)
    expect(await run.stop()).toBe(0)
    expect(run.stdout).toContain('cache miss')
  })

  it('exits with status 1 and prints the cause when writing to stdout fails', async () => {
    const full = openSync('/dev/full', 'w')
    run = new Run(free, {}, full)
    closeSync(full)
    const { httpUrl } = await run.ready()
    await send(httpUrl, '/v1/logs', logs).catch(() => {})
    await run.exit
    expect(run.child.exitCode).toBe(1)
    expect(run.stderr).toContain('logbridge-viewer: writing to stdout failed: ENOSPC')
  })

  const logRecords = Array.from({ length: 1000 }, () => ({ body: { stringValue: 'x'.repeat(1000) } }))
  const thousand = { resourceLogs: [{ scopeLogs: [{ logRecords }] }] }

  it('skips lines and prints their number when stdout is read slower than records arrive', async () => {
    run = new Run(free, {}, 'unread')
    const { httpUrl } = await run.ready()
    for (let sent = 0; sent < 20; sent += 1) await send(httpUrl, '/v1/logs', thousand)
    run.readStdout()
    const skippedMessage = /Skipped (\d+) lines?/
    await vi.waitFor(() => expect(run.stderr).toMatch(skippedMessage), { timeout: 20_000 })
    await send(httpUrl, '/v1/logs', logs)
    expect(await run.stop()).toBe(0)
    const skipped = Number(skippedMessage.exec(run.stderr)![1])
    expect(skipped).toBeGreaterThan(5000)
    expect(run.stdout.match(/x{1000}/g)).toHaveLength(20_000 - skipped)
    expect(run.stdout).toContain('cache miss')
  })

  it('exits on a signal when stdout has no reader', async () => {
    run = new Run(free, {}, 'unread')
    const { httpUrl } = await run.ready()
    for (let sent = 0; sent < 3; sent += 1) await send(httpUrl, '/v1/logs', thousand)
    run.child.kill('SIGTERM')
    await once(run.child, 'exit')
    expect(run.child.exitCode).toBe(0)
    run.readStdout()
  })
})
