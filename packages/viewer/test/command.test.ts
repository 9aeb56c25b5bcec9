import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const { NO_COLOR: _no, FORCE_COLOR: _force, ...environment } = process.env

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'logbridge-command-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function spawnCommand(args: string[], runtimeFolder = folder): ChildProcess {
  return spawn(process.execPath, [cli, ...args], {
    env: { ...environment, XDG_RUNTIME_DIR: runtimeFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs a command to its end. */
async function run(args: string[], runtimeFolder?: string) {
  const child = spawnCommand(args, runtimeFolder)
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  if (child.exitCode === null) await once(child, 'exit')
  return { status: child.exitCode, stdout, stderr }
}

/** Viewer in another process. */
class Running {
  readonly child: ChildProcess
  stderr = ''

  constructor(args: string[] = [], runtimeFolder?: string) {
    this.child = spawnCommand(['--port=0', '--grpc-port=0', '--http-port=0', ...args], runtimeFolder)
    this.child.stderr!.on('data', (data) => (this.stderr += data))
  }

  async ready(): Promise<{ url: string; port: number; token: string; httpUrl: string }> {
    const pattern = /^Page: (http:\/\/[^:]+:(\d+)\/(?:\?token=(\S+))?)\n.*HTTP at (\S+)$/ms
    await vi.waitUntil(() => pattern.test(this.stderr) || this.child.exitCode !== null, { timeout: 20_000 })
    expect(this.stderr).toMatch(pattern)
    const [, url, port, token = '', httpUrl] = pattern.exec(this.stderr)!
    return { url: url!, port: Number(port), token, httpUrl: httpUrl! }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    this.child.kill('SIGTERM')
    await once(this.child, 'close')
  }
}

const started: Running[] = []
afterEach(async () => {
  for (const viewer of started.splice(0)) await viewer.stop()
})

function start(args?: string[], runtimeFolder?: string): Running {
  const viewer = new Running(args, runtimeFolder)
  started.push(viewer)
  return viewer
}

async function send(httpUrl: string, signal: string, body: object): Promise<void> {
  const response = await fetch(`${httpUrl}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.status).toBe(200)
}

/** One time for all records, so that a span takes exactly its milliseconds. */
const NOW = Date.now()
const nanos = (offset: number): string => `${NOW + offset}000000`

function logs(...bodies: string[]): object {
  return {
    resourceLogs: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeLogs: [
          {
            scope: { name: 'payment' },
            logRecords: bodies.map((body, at) => ({
              timeUnixNano: nanos(at),
              severityNumber: 17,
              body: { stringValue: body },
              attributes: [{ key: 'order.id', value: { intValue: '9007199254740993' } }],
              traceId: TRACE,
              spanId: '00f067aa0ba902b7',
            })),
          },
        ],
      },
    ],
  }
}

function spans(): object {
  const span = (
    spanId: string,
    parentSpanId: string,
    name: string,
    from: number,
    millis: number,
    more = {},
  ) => ({
    traceId: TRACE,
    spanId,
    parentSpanId,
    name,
    kind: 2,
    startTimeUnixNano: nanos(from),
    endTimeUnixNano: nanos(from + millis),
    ...more,
  })
  return {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
        scopeSpans: [
          {
            spans: [
              span('00f067aa0ba902b7', '', 'POST /orders', 0, 100),
              span('00f067aa0ba902b8', '00f067aa0ba902b7', 'charge', 10, 80, {
                status: { code: 2, message: 'card declined' },
              }),
            ],
          },
        ],
      },
    ],
  }
}

describe('main', () => {
  it('prints the address of the page with its token, which the page accepts', async () => {
    const { url, port, token } = await start().ready()
    expect(url).toBe(`http://localhost:${port}/?token=${token}`)
    const status = await fetch(`http://localhost:${port}/api/status`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(status.status).toBe(200)
    expect((await fetch(`http://localhost:${port}/api/status`)).status).toBe(401)
  })

  it('prints the records that match, the oldest first, when the command is logs', async () => {
    const { httpUrl } = await start().ready()
    await send(httpUrl, 'logs', logs('one', 'two', 'three'))
    const { stdout, status } = await run(['logs', '-two'])
    expect(stdout).toMatch(
      /ERROR {2}shop \[payment\] one order\.id=9007199254740993 trace=4bf92f35\w*\n.* three /,
    )
    expect(stdout).not.toContain('two')
    expect(status).toBe(0)
    const json = await run(['logs', '--json', '--limit=1', 'service=shop'])
    expect(json.stdout.match(/\n/g)).toHaveLength(1)
    expect(json.stdout).toContain('"order.id":9007199254740993')
    expect(JSON.parse(json.stdout)).toMatchObject({ body: 'three', traceId: TRACE })
  })

  it('prints what is stored and then what arrives when logs has --follow', async () => {
    const { httpUrl } = await start().ready()
    await send(httpUrl, 'logs', logs('before'))
    const child = spawnCommand(['logs', '--follow', '--json'])
    let stdout = ''
    child.stdout!.on('data', (data) => (stdout += data))
    try {
      await vi.waitFor(() => expect(stdout).toContain('before'), { timeout: 20_000 })
      await send(httpUrl, 'logs', logs(...Array.from({ length: 2500 }, (_, at) => `later ${at}`)))
      await vi.waitFor(() => expect(stdout).toContain('"later 2499"'), { timeout: 20_000 })
    } finally {
      child.kill()
    }
    const bodies = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { body: string }).body)
    expect(bodies).toEqual(['before', ...Array.from({ length: 2500 }, (_, at) => `later ${at}`)])
  })

  it('prints a summary, then spans with their logs, when the command is trace', async () => {
    const { httpUrl } = await start().ready()
    await send(httpUrl, 'traces', spans())
    await send(httpUrl, 'logs', logs('card declined'))
    const { stdout } = await run(['trace', TRACE.slice(0, 8)])
    const [title, counts, ...rest] = stdout.split('\n')
    expect(title).toBe(`trace ${TRACE}`)
    expect(counts).toBe('2 spans of 1 service (shop), 1 log record, 1 error, 100.0ms')
    expect(rest.join('\n')).toMatch(
      /^slowest: shop charge 80\.0ms self time\n.*shop POST \/orders 20\.0ms self time\nerror: shop charge: card declined\n\n {5}0µs shop POST \/orders server 100\.0ms\n.*card declined.*\n {2}10\.0ms {3}shop charge server 80\.0ms error/,
    )
  })

  it('indents at most 32 levels when the spans of a trace nest deeper', async () => {
    const { httpUrl } = await start().ready()
    const spanId = (level: number): string => level.toString(16).padStart(16, '0')
    const nested = Array.from({ length: 40 }, (_, at) => ({
      traceId: TRACE,
      spanId: spanId(at + 1),
      parentSpanId: at === 0 ? '' : spanId(at),
      name: `level${at}`,
      startTimeUnixNano: nanos(at),
      endTimeUnixNano: nanos(100),
    }))
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
    await send(httpUrl, 'traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: nested }] }] })
    const { stdout } = await run(['trace', TRACE])
    const indents = [...stdout.matchAll(/^ *\d\S* ( *)shop level\d+ /gm)].map(([, indent]) => indent!.length)
    expect(indents).toEqual(nested.map((_, at) => 2 * Math.min(at, 32)))
  })

  it('prints the services with their numbers when the command is services', async () => {
    const { httpUrl } = await start().ready()
    await send(httpUrl, 'logs', logs('one', 'two'))
    await send(httpUrl, 'traces', spans())
    const { stdout } = await run(['services'])
    expect(stdout).toMatch(/^service {2}logs {2}errors {2}spans .*\nshop {8}2 {7}2 {6}2 /)
  })

  it('stores what another viewer exported when the commands are export and import', async () => {
    const first = await start().ready()
    await send(first.httpUrl, 'logs', logs('one', 'two'))
    const file = join(folder, 'exported.jsonl')
    const { stdout } = await run(['export', 'body=two'])
    writeFileSync(file, stdout)
    writeFileSync(`${file}.gz`, gzipSync(stdout))
    const second = start([`${file}.gz`])
    const { url } = await second.ready()
    await vi.waitFor(() => expect(second.stderr).toContain('Imported 1 request of'), { timeout: 20_000 })
    const imported = await run(['import', '--url', url, file])
    expect(imported).toMatchObject({ status: 0, stderr: `Imported 1 request of ${file}\n` })
    expect((await run(['export', '--url', url])).stdout).toBe(stdout.repeat(2))
  })

  it('exits with status 1 and names the line when a line of an import is no OTLP', async () => {
    await start().ready()
    const file = join(folder, 'wrong.jsonl')
    writeFileSync(file, '\n{"resourceLogs":[]}\nhello\n')
    const { status, stderr } = await run(['import', file])
    expect(status).toBe(1)
    expect(stderr).toBe(
      `Imported 1 request of ${file}; 1 line failed, the first at line 3: expected OTLP/JSON with resourceLogs, resourceSpans, or resourceMetrics\n`,
    )
  })

  it('keeps records after a restart when --db names a file, which only its owner can read', async () => {
    const file = join(folder, 'kept.db')
    const first = start(['--db', file])
    await send((await first.ready()).httpUrl, 'logs', logs('kept'))
    await first.stop()
    expect(first.stderr).toContain('Received 1 log record,')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await start(['--db', file]).ready()
    expect((await run(['logs'])).stdout).toContain('kept')
  })

  it('drops the oldest records and counts them when --max-logs is reached', async () => {
    const viewer = start(['--max-logs=100'])
    const { httpUrl } = await viewer.ready()
    await send(httpUrl, 'logs', logs(...Array.from({ length: 150 }, (_, at) => `record ${at}`)))
    const { stdout } = await run(['logs', '--limit=1000'])
    expect(stdout).toContain('record 149')
    expect(stdout).not.toContain('record 20 ')
    await viewer.stop()
    expect(viewer.stderr).toMatch(/dropped 5\d of the oldest/)
  })

  it('writes the token to a file that only its owner can read, and removes the file at the end', async () => {
    const viewer = start()
    await viewer.ready()
    const announced = join(folder, 'logbridge-viewer')
    const names = readdirSync(announced)
    expect(names.toSorted()).toEqual([`${viewer.child.pid}.html`, `${viewer.child.pid}.json`])
    expect(statSync(announced).mode & 0o777).toBe(0o700)
    for (const name of names) expect(statSync(join(announced, name)).mode & 0o777).toBe(0o600)
    await viewer.stop()
    expect(readdirSync(announced)).toEqual([])
  })

  it('forgets a viewer that was killed', async () => {
    const viewer = start()
    await viewer.ready()
    viewer.child.kill('SIGKILL')
    await once(viewer.child, 'close')
    const { status, stderr } = await run(['services'])
    expect(status).toBe(1)
    expect(stderr).toContain('No viewer of this user runs')
    expect(readdirSync(join(folder, 'logbridge-viewer'))).toEqual([])
  })

  it('trusts no folder that others can open', async () => {
    const open = mkdtempSync(join(folder, 'open-'))
    const first = start([], open)
    await first.ready()
    chmodSync(join(open, 'logbridge-viewer'), 0o755)
    expect((await run(['services'], open)).stderr).toContain('No viewer of this user runs')
    const second = start([], open)
    await second.ready()
    await vi.waitFor(() => expect(second.stderr).toContain('The commands need --url: other users can open'))
  })

  it('answers a wrong query with its position', async () => {
    await start().ready()
    const { status, stderr } = await run(['logs', 'shop level>=errr'])
    expect(status).toBe(1)
    expect(stderr).toBe(
      'logbridge-viewer: expected trace, debug, info, warn, error, fatal, or a number from 0 to 24 at character 6, found "level>=errr"\n',
    )
  })

  it('asks about a mistyped field when no record matches', async () => {
    const { httpUrl } = await start().ready()
    await send(httpUrl, 'logs', logs('one'))
    const { status, stderr, stdout } = await run(['logs', 'levle=error'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
    expect(stderr).toBe('No record matches. Did you mean the field level instead of levle?\n')
    expect((await run(['logs', 'order.id=1'])).stderr).toBe('No record matches.\n')
  })

  it('names the server when --url leads to another one', async () => {
    const { httpUrl } = await start().ready()
    const { status, stderr } = await run(['services', '--url', httpUrl])
    expect(status).toBe(1)
    expect(stderr).toMatch(/^logbridge-viewer: .*\n$/)
  })

  /** Asks as a browser that reached the viewer by another name. */
  async function statusOf(
    port: number,
    token: string,
    host: string,
  ): Promise<{ status: number; body: string }> {
    const sent = request({
      host: '127.0.0.1',
      port,
      path: '/api/status',
      headers: { host, authorization: `Bearer ${token}` },
    }).end()
    const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage]
    return { status: response.statusCode!, body: await text(response) }
  }

  it.each([
    ['a container', 'host.docker.internal', (port: number) => `host.docker.internal:${port}`],
    ['a forwarded port', 'shop-4319.app.github.dev', () => 'shop-4319.app.github.dev'],
    ['a forwarded port of another number', 'localhost:8080', () => 'localhost:8080'],
  ])('accepts the name of %s when --allow-host names it', async (_, allowed, hostOf) => {
    const refusing = await start().ready()
    const refused = await statusOf(refusing.port, refusing.token, hostOf(refusing.port))
    expect(refused.status).toBe(421)
    expect(refused.body).toContain(`--allow-host ${hostOf(refusing.port)}`)
    const accepting = await start(['--allow-host', allowed]).ready()
    expect((await statusOf(accepting.port, accepting.token, hostOf(accepting.port))).status).toBe(200)
  })

  it('needs --token or --insecure when --host is another address than loopback', async () => {
    const refused = await run(['--host', '0.0.0.0', '--port=0', '--grpc-port=0', '--http-port=0'])
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('Add --token with a secret, or --insecure')
    const { port } = await start(['--host', '0.0.0.0', '--insecure']).ready()
    expect((await fetch(`http://127.0.0.1:${port}/api/status`)).status).toBe(200)
    const { token } = await start(['--host', '0.0.0.0', '--token', 'a-secret-of-16-or-more']).ready()
    expect(token).toBe('a-secret-of-16-or-more')
  })

  it.each([
    [['--terminal', '--db', 'x.db'], '--db needs the page'],
    [['--min-severity', 'warn'], '--min-severity needs --terminal'],
    [['--no-spans'], '--no-spans needs --terminal'],
    [['--token', 'short'], '--token must have 16'],
    [['--max-logs', '0'], '--max-logs must be'],
    [['--allow-host', 'a b'], '--allow-host must be'],
    [['--allow-origin', 'localhost'], '--allow-origin must be'],
    [['missing.jsonl'], 'Cannot read missing.jsonl'],
    [['lgos'], 'lgos is neither a command nor a file. Did you mean logs? The commands are logs, trace,'],
    [['show', '--limit', '1'], 'show is neither a command nor a file. The commands are'],
    [['logs', 'level>=warn', 'since=1m'], 'Quote the query'],
    [['trace'], 'The trace id is missing'],
    [['trace', 'zzz'], 'The trace id must be up to 32 hex digits, not "zzz"'],
    [['--forward', 'collector:4318'], '--forward must be an http or https URL'],
    [['import'], 'The file is missing'],
    [['logs', '--limit', '5000'], '--limit must be'],
  ])('exits with status 2 when its arguments are %j', async (args, message) => {
    const { status, stderr, stdout } = await run(args)
    expect(stderr).toContain(message)
    expect(status).toBe(2)
    expect(stdout).toBe('')
  })

  it.each(['logs', 'trace', 'services', 'export', 'import'])(
    'prints the flags of %s for --help',
    async (name) => {
      const { status, stdout } = await run([name, '--help'])
      expect(status).toBe(0)
      expect(stdout).toContain(`logbridge-viewer ${name}`)
      expect(stdout).toContain('--url')
    },
  )
})
