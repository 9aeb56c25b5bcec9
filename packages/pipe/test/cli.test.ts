import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, copyFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { temporaryFolder, startCommand, startReceiver, WAIT } from './startCommand.ts'

const PINO = '{"level":50,"time":1790000000000,"msg":"sold out","item":7}\n'
const NODE = process.execPath

test('logbridge-pipe sends the lines of stdin and copies them byte for byte', async () => {
  const { env, records } = await startReceiver()
  const input = Buffer.concat([Buffer.from(PINO), Buffer.from([0, 0xff, 0x0d, 0x0a]), Buffer.from('{"half')])
  const command = startCommand(['--service', 'shop', '--resource', 'host.name=a'], env)
  expect(await command.end(input)).toBe(0)
  expect(command.stdout().equals(input)).toBe(true)
  expect(command.stderr()).toBe('')
  expect(
    records.map(({ severityNumber, body, attributes }) => [severityNumber, body, { ...attributes }]),
  ).toEqual([
    [17, 'sold out', { item: 7 }],
    [0, '\uFFFD', {}],
    [0, '{"half', {}],
  ])
  expect(records[0]!.resource.attributes).toMatchObject({ 'service.name': 'shop', 'host.name': 'a' })
})

test('logbridge-pipe copies nothing when --quiet is given', async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand(['--quiet'], env)
  expect(await command.end('a\n')).toBe(0)
  expect(command.stdout().length).toBe(0)
  expect(await bodies(1)).toEqual(['a'])
})

test('logbridge-pipe says how to read stderr when no line came on its stdin', async () => {
  const { env } = await startReceiver()
  const command = startCommand([], env)
  expect(await command.end()).toBe(0)
  expect(command.stderr()).toBe(
    'logbridge-pipe: no line came on stdin. For a program that logs to stderr: PROGRAM 2>&1 | logbridge-pipe, or logbridge-pipe -- PROGRAM\n',
  )
})

test('logbridge-pipe ends with exit code 1 and the number of lost lines when the receiver is unreachable, and with that of a program that it started', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
  const options = ['--export-timeout-millis', '300']
  const reading = startCommand(options, env)
  expect(await reading.end('lost\n')).toBe(1)
  expect(reading.stderr()).toMatch(/(?:dropping|dropped) 1 log record\b/)
  const starting = startCommand([...options, '--', NODE, '-e', `console.log('lost')`], env)
  expect(await starting.end()).toBe(0)
  expect(starting.stderr()).toMatch(/(?:dropping|dropped) 1 log record\b/)
})

test('logbridge-pipe obeys the options of lines, of the bridge, and of the delivery', async () => {
  const { viewer, records } = await startReceiver()
  const options = [
    '--endpoint',
    viewer.httpUrl,
    '--protocol',
    'http/protobuf',
    '--header',
    'x-a=b',
    '--compression',
    'gzip',
    '--map',
    'level=sev,message=text',
    '--severity',
    'audit=11',
    '--keep-original',
    '--format',
    'json',
    '--redact',
    'password',
    '--exclude',
    'noise',
    '--attribute',
    'team=a',
    '--scope',
    'orders',
    '--record-uid',
    '--attribute-value-length-limit',
    '40',
    '--max-export-batch-size',
    '10',
    '--scheduled-delay-millis',
    '10',
  ]
  const command = startCommand([...options, '--level', 'info'])
  const line = '{"sev":"audit","text":"hello","password":"secret","noise":1,"kept":2}'
  expect(await command.end(`${line}\n{"sev":"debug","text":"quiet"}\n`)).toBe(0)
  expect(records).toHaveLength(1)
  const { severityNumber, body, scope, attributes } = records[0]!
  expect([severityNumber, body, scope.name]).toEqual([11, 'hello', 'orders'])
  expect(attributes).toMatchObject({ kept: 2, team: 'a', 'log.record.original': line.slice(0, 40) })
  expect(attributes['password']).not.toBe('secret')
  expect(attributes['noise']).toBeUndefined()
  expect(attributes['log.record.uid']).toMatch(/^[\da-f-]{36}$/)
})

test('logbridge-pipe converts its input when --encoding is given', async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand(['--encoding', 'utf-16le'], env)
  const input = Buffer.from('grün\nrot\n', 'utf16le')
  await command.end(input)
  expect(command.stdout().equals(input)).toBe(true)
  expect(await bodies(2)).toEqual(['grün', 'rot'])
})

test(
  'logbridge-pipe sends a cut record when a line of 100 MB comes, and the lines around',
  { tags: ['long'] },
  async () => {
    const { env, records } = await startReceiver()
    const command = startCommand([], env)
    command.child.stdin!.write('before\n')
    for (let i = 0; i < 100; i += 1) command.child.stdin!.write(Buffer.alloc(1_000_000, 'x'))
    expect(await command.end('\nafter\n')).toBe(0)
    expect(records.map(({ body }) => String(body).length)).toEqual([6, 1024 * 1024, 5])
    expect(records[1]!.attributes['logbridge.line.truncated']).toBe(true)
  },
)

test('logbridge-pipe reads on until the end of its input when SIGTERM or SIGINT comes', async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand([], env)
  command.child.stdin!.write('before\n')
  await vi.waitFor(() => expect(String(command.stdout())).toBe('before\n'), WAIT)
  command.child.kill('SIGTERM')
  command.child.kill('SIGINT')
  await delay(100)
  expect(await command.end('after\n')).toBe(0)
  expect(await bodies(2)).toEqual(['before', 'after'])
})

test('logbridge-pipe ends 5 s after SIGTERM when its input stays open', { tags: ['long'] }, async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand([], env)
  command.child.stdin!.write('before\n')
  await vi.waitFor(() => expect(String(command.stdout())).toBe('before\n'), WAIT)
  command.child.kill('SIGTERM')
  await vi.waitFor(() => expect(command.child.exitCode).toBe(143), WAIT)
  expect(await bodies(1)).toEqual(['before'])
})

test('logbridge-pipe sends on when the reader of its stdout has closed the pipe', async () => {
  const { env, bodies } = await startReceiver()
  const command = startCommand([], env, { isRead: false })
  command.child.stdout!.destroy()
  command.child.stdin!.write('first\n')
  await command.printed('stdout takes no more lines')
  expect(await command.end('second\n')).toBe(0)
  expect(await bodies(2)).toEqual(['first', 'second'])
})

test('logbridge-pipe sends on, and its program writes on, when the reader of its stdout and stderr has closed the pipes', async () => {
  const { env, records } = await startReceiver()
  const program = `setInterval(() => { console.log('out'); console.error('err') }, 20); setTimeout(() => process.exit(3), 1000)`
  const command = startCommand(['--', NODE, '-e', program], env, { isRead: false })
  command.child.stdout!.destroy()
  command.child.stderr!.destroy()
  await once(command.child, 'exit')
  expect(command.child.exitCode).toBe(3)
  const count = (stream: string): number =>
    records.filter(
      ({ body, attributes }) => body === stream.slice(3) && attributes['log.iostream'] === stream,
    ).length
  expect(count('stdout')).toBeGreaterThan(10)
  expect(count('stderr')).toBeGreaterThan(10)
})

test('logbridge-pipe reads as fast as its stdout is read', async () => {
  const { env, records } = await startReceiver()
  const command = startCommand([], env, { isRead: false })
  const line = `${'x'.repeat(1000)}\n`
  const isTaken = command.child.stdin!.write(line.repeat(4000))
  expect(isTaken).toBe(false)
  await delay(500)
  const read = 4_004_000 - command.child.stdin!.writableLength
  expect(read).toBeLessThan(1_000_000)
  command.child.stdout!.resume()
  expect(await command.end()).toBe(0)
  expect(records).toHaveLength(4000)
})

test('logbridge-pipe stops reading when its queue is full, and drops nothing', async () => {
  const { env, viewer, bodies } = await startReceiver()
  const port = viewer.grpcPort
  await viewer.close()
  const command = startCommand(['--quiet', '--max-queue-bytes', '200000'], env)
  const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ${'x'.repeat(100)}`)
  command.child.stdin!.write(`${lines.join('\n')}\n`)
  await vi.waitFor(() => expect(command.stderr()).toContain('failed'), WAIT)
  await delay(300)
  expect(command.child.stdin!.writableLength).toBeGreaterThan(1_000_000)
  const again = await startReceiver(port)
  expect(await command.end()).toBe(0)
  expect(await again.bodies(20_000)).toHaveLength(20_000)
  expect(new Set(await again.bodies(0)).size).toBe(20_000)
  expect(await bodies(0)).toEqual([])
})

test('logbridge-pipe sends the streams of a program, copies them where they came from, and ends with its exit code', async () => {
  const { env, records } = await startReceiver()
  const program = `console.log('out'); console.error('err'); process.exitCode = 3`
  const command = startCommand(['--service', 'shop', '--', NODE, '-e', program], env)
  expect(await command.end()).toBe(3)
  expect(String(command.stdout())).toBe('out\n')
  expect(command.stderr()).toBe('err\n')
  const streams = records.map(({ body, attributes }) => [body, attributes['log.iostream']])
  expect(new Set(streams.map(String))).toEqual(new Set(['out,stdout', 'err,stderr']))
})

test.each([
  ['its own', `process.on('SIGTERM', () => { console.log('bye'); process.exit(7) })`, 7],
  ['that of a shell', '', 143],
])('logbridge-pipe passes SIGTERM to a program and ends with %s exit code', async (_whose, handler, code) => {
  const { env } = await startReceiver()
  const program = `${handler}; console.log('ready'); setInterval(() => {}, 1000)`
  const command = startCommand(['--', NODE, '-e', program], env)
  await vi.waitFor(() => expect(String(command.stdout())).toContain('ready'), WAIT)
  command.child.kill('SIGTERM')
  expect(await command.end()).toBe(code)
})

test('logbridge-pipe reads on when a program ignores SIGTERM', { tags: ['long'] }, async () => {
  const { env, bodies } = await startReceiver()
  const program = `process.on('SIGTERM', () => console.log('ignored')); console.log('ready'); setTimeout(() => console.log('done'), 7000)`
  const command = startCommand(['--', NODE, '-e', program], env)
  await vi.waitFor(() => expect(String(command.stdout())).toContain('ready'), WAIT)
  command.child.kill('SIGTERM')
  expect(await command.end()).toBe(0)
  expect(await bodies(3)).toEqual(['ready', 'ignored', 'done'])
})

test('logbridge-pipe delivers every line when a program floods both streams', async () => {
  const { env, records } = await startReceiver()
  const program = `for (let i = 0; i < 20000; i++) { console.log('out ' + i); console.error('err ' + i) }`
  const command = startCommand(['--', NODE, '-e', program], env)
  expect(await command.end()).toBe(0)
  expect(new Set(records.map(({ body }) => body)).size).toBe(40_000)
  expect(records).toHaveLength(40_000)
  expect(command.stdout().toString().split('\n')).toHaveLength(20_001)
})

test(
  'logbridge-pipe ends soon after its program when a child of that program keeps the streams open',
  { tags: ['long'] },
  async () => {
    const { env, bodies } = await startReceiver()
    const command = startCommand(['--', 'sh', '-c', 'echo begun; sleep 30 & exit 4'], env)
    expect(await command.end()).toBe(4)
    expect(await bodies(1)).toEqual(['begun'])
  },
)

test(
  'logbridge-pipe delivers what its program has written when the receiver is slower than the program for long after its end',
  { tags: ['long'] },
  async () => {
    const seen = new Set<string>()
    const server = createServer(async (request, response) => {
      const bytes = await buffer(request)
      await delay(6000)
      for (const [line] of bytes.toString('latin1').matchAll(/line \d{5}/g)) seen.add(line)
      response.end()
    }).listen(0)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
    }
    const options = ['--quiet', '--max-queue-bytes', '20000', '--scheduled-delay-millis', '20']
    // The last lines fit into the pipe, so that the program ends while the queue is full.
    const command = startCommand([...options, '--', 'seq', '-f', 'line %05g', '12000'], env)
    expect(await command.end()).toBe(0)
    expect(seen.size).toBe(12_000)
  },
)

test.each([
  ['stdin', [], 1],
  ['a program', ['--', 'echo', 'line'], 0],
])(
  'logbridge-pipe ends 5 s after SIGTERM when the receiver does not answer at the end of %s',
  { tags: ['long'] },
  async (_source, source, code) => {
    const sink = createTcpServer().listen(0)
    onTestFinished(() => void sink.close())
    await once(sink, 'listening')
    const accepted = once(sink, 'connection')
    const command = startCommand(['--quiet', '--export-timeout-millis', '1000000', ...source], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
    })
    const ended = command.end('line\n')
    await accepted
    command.child.kill('SIGTERM')
    expect(await ended).toBe(code)
    expect(command.stderr()).toContain('dropped 1 log record: shutdown_timeout')
  },
)

test.skipIf(process.getuid?.() !== 0 || spawnSync('setpriv', ['--version']).status !== 0)(
  'logbridge-pipe reads its program to the end when the program belongs to another user, which takes no signal',
  async () => {
    const { env, bodies } = await startReceiver()
    // `sh` has the rights of root by the bit of this copy of `setpriv`, as a program that sudo starts.
    const folder = await temporaryFolder()
    const start = join(folder, 'start')
    await copyFile(spawnSync('which', ['setpriv'], { encoding: 'utf8' }).stdout.trim(), start)
    await chmod(start, 0o4755)
    await chmod(folder, 0o755)
    const wrapper = ['setpriv', '--reuid=65534', '--clear-groups']
    const program = [start, '--reuid=0', 'sh', '-c', 'echo begun; read line; echo ended; exit 5']
    const command = startCommand(['--', ...program], env, { wrapper })
    await vi.waitFor(() => expect(String(command.stdout())).toContain('begun'), WAIT)
    for (let count = 1; count <= 2; count += 1) {
      command.child.kill('SIGTERM')
      await vi.waitFor(() => expect(command.stderr().match(/got no signal/g)).toHaveLength(count), WAIT)
    }
    expect(await command.end('line\n')).toBe(5)
    expect(await bodies(2)).toEqual(['begun', 'ended'])
  },
)

test('logbridge-pipe ends with exit code 1 and says why when its stdin cannot be read', async () => {
  const { env } = await startReceiver()
  const wrapper = ['sh', '-c', 'exec "$@" 0>/dev/null', 'sh']
  const command = startCommand(['--quiet'], env, { wrapper })
  expect(await command.end()).toBe(1)
  expect(command.stderr()).toBe('logbridge-pipe: stdin cannot be read: EBADF: bad file descriptor, read\n')
})

test.each([
  [['--', '/does/not/exist'], 127, '/does/not/exist was not found'],
  [['--', '/'], 126, 'could not be started'],
  [['--', `${process.execPath}/a`], 126, 'could not be started'],
  [['--'], 2, 'a command must follow --'],
  [['follow'], 2, 'follow needs a file or a glob'],
  [['python', 'app.py'], 2, 'logbridge-pipe -- python app.py'],
  [['--servce', 'a'], 2, "Unknown option '--servce'"],
  [['--format', 'nope'], 2, 'format'],
  [['--map', 'nope'], 2, '--map must be level=KEY'],
  [['--map', 'nope=a'], 2, 'map'],
  [['--timezone', 'Moon'], 2, 'IANA'],
  [['--max-queue-bytes', 'many'], 2, '--max-queue-bytes must be a number'],
  [['--max-queue-bytes', '0'], 2, '--max-queue-bytes must be a whole number greater than 0'],
  [['--encoding', 'nope'], 2, '--encoding must be an encoding'],
  [['--from-start'], 2, '--from-start is an option of follow'],
  [['follow', 'a', '--service-from', 'name'], 2, 'has no group'],
  [['follow', 'a', '--service-from', '('], 2, 'regular expression'],
  [['follow', 'a', '--checkpoints', `${process.execPath}/a`], 2, '--checkpoints FILE'],
])('logbridge-pipe exits and says what to do when its arguments are %j', async (args, code, message) => {
  const command = startCommand(args)
  expect(await command.end()).toBe(code)
  expect(command.stderr()).toContain(message)
  expect(command.stderr()).not.toMatch(/ {4}at /)
})

test('logbridge-pipe --help names every option, within 120 columns', async () => {
  const command = startCommand(['--help'])
  expect(await command.end()).toBe(0)
  const help = String(command.stdout())
  expect(help.split('\n').filter((line) => line.length > 120)).toEqual([])
  for (const file of ['flags', 'arguments'])
    for (const [, flag] of readFileSync(
      new URL(`../src/command/${file}.ts`, import.meta.url),
      'utf8',
    ).matchAll(/^ {6}'?([a-z-]+)'?: (?:\{|[a-z]+\()/gm))
      expect(help).toContain(`--${flag}`)
})

test('logbridge-pipe --version prints the version', async () => {
  const command = startCommand(['-v'])
  await command.end()
  expect(String(command.stdout())).toBe(`${packageJson.version}\n`)
})

test('logbridge-pipe keeps lines for its next run when the receiver is unreachable and --spool is given', async () => {
  const folder = join(await temporaryFolder(), 'spool')
  const first = startCommand(['--spool', folder, '--export-timeout-millis', '300'], {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
  })
  expect(await first.end('kept\n')).toBe(0)
  const { env, bodies } = await startReceiver()
  const second = startCommand(['--spool', folder], env)
  expect(await bodies(1)).toEqual(['kept'])
  expect(await second.end()).toBe(0)
})

test('logbridge-pipe sends lines of OTLP with their resource, scope, and values, when options change records', async () => {
  const { env, records } = await startReceiver()
  const logRecord = {
    timeUnixNano: '1790000000123456789',
    severityNumber: 17,
    severityText: 'error',
    eventName: 'order.failed',
    body: { kvlistValue: { values: [{ key: 'big', value: { intValue: '9007199254740993' } }] } },
    attributes: [
      { key: 'bytes', value: { bytesValue: 'AQI=' } },
      { key: 'list', value: { arrayValue: { values: [{ doubleValue: 0.5 }, {}] } } },
    ],
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    flags: 1,
  }
  const scope = { name: 'orders', version: '1.2', attributes: [{ key: 'a', value: { stringValue: 'b' } }] }
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
  const line = JSON.stringify({
    resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [logRecord, {}] }] }],
  })
  const command = startCommand(['--attribute', 'team=a'], env)
  expect(await command.end(`${line}\n`)).toBe(0)
  expect(records).toHaveLength(2)
  const [record] = records
  expect(record).toMatchObject({
    timeUnixNano: 1790000000123456789n,
    severityNumber: 17,
    severityText: 'error',
    eventName: 'order.failed',
    body: { big: 9007199254740993n },
    attributes: { bytes: Uint8Array.of(1, 2), list: [0.5, null], team: 'a' },
    traceId: logRecord.traceId,
    spanId: logRecord.spanId,
    flags: 1,
    scope: { name: 'orders', version: '1.2', attributes: { a: 'b' } },
  })
  expect(record!.resource.attributes['service.name']).toBe('shop')
})

test('logbridge-pipe sends a line of ECS with the service that the line names', async () => {
  const { env, records } = await startReceiver()
  const line =
    '{"@timestamp":"2026-11-29T10:00:00.000Z","log.level":"info","message":"hi","ecs.version":"8.10.0","service.name":"stock"}'
  expect(await startCommand(['--service', 'shop'], env).end(`${line}\nplain\n`)).toBe(0)
  const services = records.map(
    ({ body, resource }) => `${String(body)} of ${String(resource.attributes['service.name'])}`,
  )
  expect(new Set(services)).toEqual(new Set(['hi of stock', 'plain of shop']))
})
