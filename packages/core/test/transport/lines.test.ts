import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Ended, run, start } from '../programs.ts'

// Whole processes, with the built package: files and stdout as a reader has them.

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logbridge-lines-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const linesOf = (text: string): any[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
const recordsOf = (text: string): any[] =>
  linesOf(text)
    .flatMap(({ resourceLogs = [] }) => resourceLogs)
    .flatMap(({ scopeLogs }) => scopeLogs)
    .flatMap(({ logRecords }) => logRecords)
const bodiesOf = (text: string): string[] => recordsOf(text).map(({ body }) => body.stringValue)

/** Runs a program in `folder` after the start of a telemetry whose logs go to `logs.jsonl`. */
function runWithFile(program: string, options: object = {}, type?: 'module'): Promise<Ended> {
  const { logs, ...others } = { logs: {}, ...options }
  const file = { path: join(folder, 'logs.jsonl') }
  const telemetry = { traces: false, metrics: false, ...others, logs: { file, ...logs } }
  return run(
    `
    import { startTelemetry } from '@logbridge/core'
    const telemetry = startTelemetry(${JSON.stringify(telemetry)})
    const logger = telemetry.loggerProvider.getLogger('shop')
    ${program}`,
    type ? { type } : {},
  )
}

describe('a file of OTLP JSON lines', () => {
  test('has all records, spans, and metrics when each signal has a file', async () => {
    const files = Object.fromEntries(
      ['logs', 'traces', 'metrics'].map((signal) => [signal, { file: { path: join(folder, signal) } }]),
    )
    const { code, stderr } = await run(`
      import { startTelemetry } from '@logbridge/core'
      const telemetry = startTelemetry(${JSON.stringify(files)})
      const span = telemetry.tracerProvider.getTracer('t').startSpan('placed', { attributes: { id: 7 } })
      telemetry.meterProvider.getMeter('m').createCounter('orders').add(3)
      telemetry.loggerProvider.getLogger('l').emit({ body: 'hello', attributes: { id: 7n } })
      span.end()
      await telemetry.shutdown()
      console.log(JSON.stringify(telemetry.stats()))
    `)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(recordsOf(read('logs'))).toMatchObject([
      { body: { stringValue: 'hello' }, attributes: [{ key: 'id', value: { intValue: '7' } }] },
    ])
    const [{ resource, scopeSpans }] = linesOf(read('traces'))[0].resourceSpans
    expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'child' } })
    expect(scopeSpans).toMatchObject([
      {
        scope: { name: 't' },
        spans: [
          {
            name: 'placed',
            kind: 1,
            traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
            startTimeUnixNano: expect.stringMatching(/^\d{19}$/),
          },
        ],
      },
    ])
    const metrics = linesOf(read('metrics'))
      .flatMap(({ resourceMetrics }) => resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
    expect(metrics).toContainEqual(
      expect.objectContaining({
        name: 'orders',
        sum: expect.objectContaining({
          aggregationTemporality: 2,
          isMonotonic: true,
          dataPoints: [expect.objectContaining({ asDouble: 3 })],
        }),
      }),
    )
    // Metrics come last, so that they have the counters of the logs.
    const exported = metrics.findLast(({ name }) => name === 'otel.sdk.exporter.log.exported')
    expect(JSON.stringify(exported)).toContain('otlp_file_log_exporter/0')
  })

  test.each([
    ['the process has no work left', ''],
    ['process.exit() is called', 'process.exit(0)'],
    ['an exception is not caught', "throw new Error('end')"],
  ])('has all records when %s', async (_, end) => {
    const { stderr } = await runWithFile(`
      for (let n = 0; n < 20_000; n += 1) logger.emit({ body: String(n) })
      ${end}
    `)
    const bodies = bodiesOf(read('logs.jsonl')).slice(0, 20_000)
    expect(bodies).toEqual(Array.from({ length: 20_000 }, (_, n) => String(n)))
    expect(stderr).not.toContain('logbridge:')
  })

  test('has all records and spans when process.exit() is called amid a write', async () => {
    await runWithFile(
      `
      const tracer = telemetry.tracerProvider.getTracer('t')
      // Spans wait for the resource detectors.
      await telemetry.forceFlush()
      for (let n = 0; n < 50_000; n += 1) logger.emit({ body: String(n) })
      tracer.startSpan('last').end()
      setImmediate(() => setImmediate(() => process.exit()))
    `,
      { traces: { file: { path: join(folder, 'traces.jsonl') } } },
    )
    // A request in flight at the exit is written twice.
    const bodies = new Set(bodiesOf(read('logs.jsonl')))
    expect(bodies.size).toBe(50_000)
    expect(read('traces.jsonl')).toContain('"name":"last"')
  })

  test('has the records of shutdownSignals, and at most one second less without them, when SIGTERM comes', async () => {
    for (const shutdownSignals of [['SIGTERM'], []]) {
      const name = `logs${shutdownSignals.length}.jsonl`
      const program = start(`
        import { createLoggerProvider } from '@logbridge/core'
        const provider = createLoggerProvider(${JSON.stringify({ file: { path: join(folder, name) }, shutdownSignals, scheduledDelayMillis: 60_000 })})
        provider.getLogger('a').emit({ body: 'early' })
        await provider.forceFlush()
        provider.getLogger('a').emit({ body: 'late' })
        console.log('ready')
        setInterval(() => {}, 1000)
      `)
      await program.printed('ready')
      program.kill('SIGTERM')
      expect((await program.ended).code).toBe('SIGTERM')
      expect(bodiesOf(read(name))).toEqual(shutdownSignals.length > 0 ? ['early', 'late'] : ['early'])
    }
  })

  test('keeps each record once when processes and threads share the file while it is rotated', async () => {
    const program = `
      import { createLoggerProvider } from '@logbridge/core'
      const [name] = process.argv.slice(-1)
      const provider = createLoggerProvider({
        file: { path: ${JSON.stringify(join(folder, 'logs.jsonl'))}, maxBytes: 20_000, files: 10_000 },
        scheduledDelayMillis: 1,
      })
      const logger = provider.getLogger('a')
      for (let n = 0; n < 200; n += 1) {
        for (let i = 0; i < 10; i += 1) logger.emit({ body: name + ' ' + (10 * n + i) })
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      await provider.shutdown()
      console.log(provider.stats().delivered)
    `
    const ended = await Promise.all(['a', 'b', 'c'].map((name) => run(program, { args: [name] })))
    expect(ended.map(({ stdout }) => stdout)).toEqual(['2000\n', '2000\n', '2000\n'])
    const names = readdirSync(folder)
    expect(names.length).toBeGreaterThan(10)
    const bodies = names.flatMap((name) => bodiesOf(read(name)))
    expect(bodies).toHaveLength(6000)
    expect(new Set(bodies).size).toBe(6000)
  })

  test('names what to check when a process exits and the file cannot be written', async () => {
    const path = join(folder, 'no folder', 'logs.jsonl')
    const { stderr } = await run(`
      import { createLoggerProvider } from '@logbridge/core'
      import { writeFileSync } from 'node:fs'
      writeFileSync(${JSON.stringify(join(folder, 'no folder'))}, '')
      const provider = createLoggerProvider({ file: { path: ${JSON.stringify(path)} } })
      provider.getLogger('a').emit({ body: 'lost' })
      process.exit()
    `)
    expect(stderr).toMatch(
      /^logbridge: not sent when the process ended: 1 log record \(check its folder, the permissions, and the free space\): ENOTDIR.*\n$/,
    )
  })

  test('takes all records, with one line about the outage, when its folder appears later', async () => {
    const { stderr, stdout } = await run(`
      import { createLoggerProvider } from '@logbridge/core'
      import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
      const folder = ${JSON.stringify(join(folder, 'sub'))}
      writeFileSync(folder, '')
      const provider = createLoggerProvider({ file: { path: folder + '/logs.jsonl' } })
      provider.getLogger('a').emit({ body: 'early' })
      for (let n = 0; n < 3; n += 1) await provider.forceFlush({ timeoutMillis: 400 })
      rmSync(folder)
      provider.getLogger('a').emit({ body: 'late' })
      await provider.forceFlush()
      console.log(JSON.stringify(provider.stats()))
    `)
    expect(JSON.parse(stdout)).toMatchObject({ created: 2, delivered: 2, queued: 0, dropped: {} })
    expect(bodiesOf(read('sub/logs.jsonl')).toSorted()).toEqual(['early', 'late'])
    const lines = stderr.split('\n')
    expect(lines[0]).toMatch(
      /export to .*sub\/logs\.jsonl failed, retrying with backoff \(check its folder, the permissions, and the free space\): ENOTDIR/,
    )
    expect(lines[1]).toMatch(/export to .*sub\/logs\.jsonl succeeds again after/)
    expect(lines).toHaveLength(3)
  })

  test('has lines of at most 1 MiB, except for a larger record, when records are large', async () => {
    await runWithFile(`
      const text = '\\u0001'.repeat(20_000)
      for (let n = 0; n < 40; n += 1) logger.emit({ body: String(n), attributes: { text } })
      await telemetry.forceFlush()
      logger.emit({ body: 'huge', attributes: { text: 'x'.repeat(2_000_000) } })
      await telemetry.shutdown()
    `)
    const text = read('logs.jsonl')
    expect(bodiesOf(text)).toEqual([...Array.from({ length: 40 }, (_, n) => String(n)), 'huge'])
    const sizes = text.split('\n').map(({ length }) => length)
    expect(sizes.filter((size) => size > 1024 * 1024)).toHaveLength(1)
  })

  test('causes no records and spans when node:fs is instrumented', async () => {
    const { stdout } = await run(`
      import fs from 'node:fs'
      import { createRequire, syncBuiltinESMExports } from 'node:module'
      const { write } = fs
      let telemetry
      const seen = []
      // An instrumentation of node:fs, as that of OpenTelemetry, which cannot be installed beside the bundle.
      fs.write = function (...given) {
        const span = telemetry.tracerProvider.getTracer('fs').startSpan('fs write')
        telemetry.loggerProvider.getLogger('fs').emit({ body: 'fs write' })
        span.end()
        seen.push(span.isRecording())
        return write.apply(this, given)
      }
      fs.write[Symbol.for('nodejs.util.promisify.custom')] = (...given) => new Promise((resolve, reject) =>
        fs.write(...given, (error, bytesWritten) => (error ? reject(error) : resolve({ bytesWritten }))))
      syncBuiltinESMExports()
      const { startTelemetry } = await import('@logbridge/core')
      telemetry = startTelemetry({
        logs: { file: { path: ${JSON.stringify(join(folder, 'logs.jsonl'))} } },
        traces: { file: { path: ${JSON.stringify(join(folder, 'traces.jsonl'))} } },
        metrics: false,
      })
      telemetry.loggerProvider.getLogger('a').emit({ body: 'one' })
      telemetry.tracerProvider.getTracer('a').startSpan('one').end()
      await telemetry.shutdown()
      console.log(JSON.stringify({ seen, created: telemetry.stats().created }))
    `)
    expect(JSON.parse(stdout)).toEqual({ seen: [false, false], created: 1 })
    expect(bodiesOf(read('logs.jsonl'))).toEqual(['one'])
  })
})

describe('OTLP JSON lines on stdout', () => {
  const env = {
    OTEL_LOGS_EXPORTER: 'otlp/stdout',
    OTEL_TRACES_EXPORTER: 'otlp/stdout',
    OTEL_METRICS_EXPORTER: 'none',
  }
  const PROGRAM = `
    import { startTelemetry } from '@logbridge/core'
    const telemetry = startTelemetry()
    const logger = telemetry.loggerProvider.getLogger('shop')
  `
  const own = (text: string): string => text.replaceAll(/^app .*\n/gm, '')

  test.each([
    ['the process has no work left', ''],
    ['shutdown is called', 'await telemetry.shutdown()'],
    [
      'process.exit() is called',
      // The exit discards the part of an earlier write that the pipe has not taken.
      `await telemetry.forceFlush()
      await new Promise((resolve) => process.stdout.write('', resolve))
      for (let n = 5000; n < 10_000; n += 1) logger.emit({ body: String(n) })
      telemetry.tracerProvider.getTracer('t').startSpan('at exit').end()
      process.exit()`,
    ],
  ])('are whole between the lines of the application when %s', async (_, end) => {
    const program = `${PROGRAM}
      for (let n = 0; n < 5000; n += 1) {
        logger.emit({ body: String(n) })
        if (n % 100 === 0) console.log('app ' + 'x'.repeat(5000))
        if (n % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      telemetry.tracerProvider.getTracer('t').startSpan('last').end()
      ${end}
    `
    const { stdout, stderr } = await run(program, { env: { ...env, OTEL_BLRP_SCHEDULE_DELAY: '10' } })
    expect(stderr).toBe('')
    expect(stdout.match(/^app x{5000}\n/gm)).toHaveLength(50)
    const count = end.includes('at exit') ? 10_000 : 5000
    expect(bodiesOf(own(stdout))).toEqual(Array.from({ length: count }, (_, n) => String(n)))
    expect(own(stdout)).toContain('"name":"last"')
    expect(own(stdout).includes('"name":"at exit"')).toBe(count > 5000)
  })

  test('are reported as unsent when process.exit() is called while a write of the application waits', async () => {
    const program = `${PROGRAM}
      console.log('x'.repeat(1_000_000))
      logger.emit({ body: 'late' })
      process.exit()
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    await once(child, 'exit')
    let stdout = ''
    for await (const chunk of child.stdout) stdout += String(chunk)
    expect(stdout).toMatch(/^x+$/)
    expect(stderr).toContain(
      'not sent when the process ended: 1 log record (check the program that reads it, or the free space of its file): stdout is not read\n',
    )
  })

  test('wait, and the process ends, when the reader of a pipe is slow', async () => {
    const program = `${PROGRAM}
      for (let n = 0; n < 20_000; n += 1) logger.emit({ body: String(n) })
      await telemetry.shutdown(10_000)
      process.stderr.write(JSON.stringify(telemetry.stats()))
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      child.stdout.pause()
      setTimeout(() => child.stdout.resume(), 5)
    })
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    expect(JSON.parse(stderr.replaceAll(/^logbridge: still waiting.*\n/gm, ''))).toMatchObject({
      created: 20_000,
      delivered: 20_000,
      dropped: {},
    })
    expect(bodiesOf(stdout)).toHaveLength(20_000)
  })

  test('are dropped and counted, and the application goes on, when stdout has lost its reader', async () => {
    const program = `${PROGRAM}
      process.stdin.resume()
      process.stdin.on('end', async () => {
        for (let n = 0; n < 3; n += 1) {
          logger.emit({ body: 'x' })
          await telemetry.forceFlush()
        }
        process.stderr.write('\\n' + JSON.stringify(telemetry.stats()) + '\\n')
        await telemetry.shutdown()
      })
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.stdout.destroy()
    await once(child.stdout, 'close')
    child.stdin.end()
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
    const stats = stderr.split('\n').find((line) => line.startsWith('{'))
    expect(JSON.parse(stats!)).toMatchObject({
      created: 3,
      delivered: 0,
      queued: 0,
      inFlight: 0,
      dropped: { export_failed: 3 },
    })
    expect(stderr).toContain('dropped log records, refused by the receiver: stdout is closed: write EPIPE')
  })

  test('are delivered when the application has replaced process.stdout.write', async () => {
    const { stdout, stderr } = await run(
      `${PROGRAM}
      const { write } = process.stdout
      process.stdout.write = (chunk) => write.call(process.stdout, 'app ' + chunk)
      for (const body of ['one', 'two']) {
        logger.emit({ body })
        await telemetry.forceFlush()
      }
      process.stderr.write(String(telemetry.stats().delivered))
    `,
      { env: { ...env, OTEL_TRACES_EXPORTER: 'none' } },
    )
    expect(stderr).toBe('2')
    expect(bodiesOf(stdout.replaceAll(/^app /gm, ''))).toEqual(['one', 'two'])
  })

  test('reach stdout when a worker thread writes them', async () => {
    const { stdout } = await run(
      `
      import { Worker } from 'node:worker_threads'
      new Worker(${JSON.stringify(`
        const { createLoggerProvider } = require('@logbridge/core')
        const provider = createLoggerProvider()
        provider.getLogger('a').emit({ body: 'flushed' })
        provider.forceFlush().then(() => {
          provider.getLogger('a').emit({ body: 'unflushed' })
          process.exit()
        })
      `)}, { eval: true, execArgv: [] })
    `,
      { env },
    )
    expect(bodiesOf(stdout)).toEqual(['flushed', 'unflushed'])
  })
})
