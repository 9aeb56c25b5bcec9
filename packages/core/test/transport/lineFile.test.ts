import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FileConfig } from '../../src/config/file.ts'
import { now } from '../../src/process/monotonic.ts'
import type { LineSink } from '../../src/transport/appendLines.ts'
import { createLineFile } from '../../src/transport/lineFile.ts'
import { run } from '../programs.ts'

const warnings = capturedWarnings()
const attempt = new AbortController().signal
let folder: string
let path: string
const sinks: LineSink[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'logbridge-file-'))
  path = join(folder, 'logs.jsonl')
})
afterEach(() => {
  for (const sink of sinks.splice(0)) sink.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(options: Partial<FileConfig> = {}): LineSink {
  const sink = createLineFile({ protocol: 'file', path, maxBytes: 1e8, files: 10, fsync: false, ...options })
  sinks.push(sink)
  return sink
}
const line = (text: string): Buffer => Buffer.from(`"${text}"\n`)
const content = (): string => readFileSync(path, 'utf8')
/** Lines of all files, in any order. */
const lines = (): string[] =>
  readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))

test('createLineFile creates the folder, and appends, when the file is missing or not empty', async () => {
  path = join(folder, 'a', 'b', 'logs.jsonl')
  await open().write(line('one'), attempt)
  await open({ fsync: true }).write(line('two'), attempt)
  open().writeSync(line('three'), now())
  expect(content()).toBe('"one"\n"two"\n"three"\n')
})

test('createLineFile begins a new line when a killed process has left a part of a line', async () => {
  writeFileSync(path, '{"resour')
  await open().write(line('one'), attempt)
  appendFileSync(path, '{"resour')
  open().writeSync(line('two'), now())
  expect(content()).toBe('{"resour\n"one"\n{"resour\n"two"\n')
})

test.each(['renamed', 'removed', 'replaced'])(
  'createLineFile begins a new file when it is %s',
  async (how) => {
    const sink = open()
    await sink.write(line('one'), attempt)
    if (how === 'removed') rmSync(path)
    else renameSync(path, `${path}.1`)
    if (how === 'replaced') writeFileSync(path, '"other"\n')
    await sink.write(line('two'), attempt)
    expect(content()).toBe(how === 'replaced' ? '"other"\n"two"\n' : '"two"\n')
  },
)

test('createLineFile rotates between lines, and keeps the newest files, when the file reaches maxBytes', async () => {
  const sink = open({ maxBytes: 100, files: 4 })
  writeFileSync(join(folder, 'logs-of-another.jsonl'), '')
  const written: string[] = []
  for (let number = 0; number < 60; number += 1) {
    const text = `${number}-${'x'.repeat(number % 40)}`
    written.push(`"${text}"`)
    await sink.write(line(text), attempt)
  }
  rmSync(join(folder, 'logs-of-another.jsonl'))
  const names = readdirSync(folder).toSorted()
  expect(names).toHaveLength(4)
  for (const name of names) {
    expect(name).toMatch(/^logs(-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z(-\d+)?)?\.jsonl$/)
    expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(100)
  }
  const kept = lines()
  expect(kept.length).toBeGreaterThan(4)
  expect(new Set(kept)).toEqual(new Set(written.slice(-kept.length)))
})

test('createLineFile writes a line as a whole when the line is larger than maxBytes', async () => {
  const sink = open({ maxBytes: 10 })
  await sink.write(line('x'.repeat(50)), attempt)
  await sink.write(line('y'.repeat(50)), attempt)
  expect(content()).toBe(line('y'.repeat(50)).toString())
  expect(lines()).toHaveLength(2)
})

test.skipIf(process.getuid?.() === 0)(
  'createLineFile goes on in the same file, with a warning, when the rotation fails',
  async () => {
    const sink = open({ maxBytes: 10 })
    await sink.write(line('first line'), attempt)
    chmodSync(folder, 0o500)
    await sink.write(line('second line'), attempt)
    chmodSync(folder, 0o700)
    expect(content()).toBe('"first line"\n"second line"\n')
    expect(warnings.join()).toContain(`rotation of ${path} failed, the files may exceed their limits`)
  },
)

test('createLineFile rejects, and writes later, when something else has the path of the folder', async () => {
  path = join(folder, 'a', 'logs.jsonl')
  writeFileSync(join(folder, 'a'), '')
  const sink = open()
  await expect(sink.write(line('one'), attempt)).rejects.toThrow('ENOTDIR')
  rmSync(join(folder, 'a'))
  await sink.write(line('two'), attempt)
  expect(content()).toBe('"two"\n')
})

test.skipIf(!existsSync('/dev/full'))('createLineFile rejects when the disk is full', async () => {
  const sink = open({ path: '/dev/full', maxBytes: 1 })
  await expect(sink.write(line('one'), attempt)).rejects.toThrow('ENOSPC')
  expect(() => sink.writeSync(line('one'), now())).toThrow('ENOSPC')
  expect(sink.isFinal({ name: '', message: '', code: 'ENOSPC' })).toBe(false)
})

test.skipIf(process.platform === 'win32')(
  'createLineFile waits for a named pipe that is full, and rejects when no process reads the pipe',
  async () => {
    execFileSync('mkfifo', [path])
    const sink = open()
    await expect(sink.write(line('one'), attempt)).rejects.toThrow('ENXIO')
    const long = line('x'.repeat(1_000_000))
    const reading = run(`
      import { createReadStream } from 'node:fs'
      let size = 0
      const pipe = createReadStream(${JSON.stringify(path)})
      pipe.on('data', (chunk) => { size += chunk.length; pipe.pause(); setTimeout(() => pipe.resume(), 5) })
      pipe.on('end', () => console.log(size))
    `)
    for (let isOpen = false; !isOpen;) {
      isOpen = await sink.write(long, attempt).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          expect(error.code).toBe('ENXIO')
          return new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 10))
        },
      )
    }
    sink.close()
    expect(await reading).toMatchObject({ code: 0, stdout: `${long.length}\n` })
  },
)

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0

test.skipIf(!canMount)(
  'createLineFile removes the part of a line when the disk is full amid the line',
  async () => {
    // The built package, because the disk is visible in a namespace alone.
    const program = `
    import { createLoggerProvider } from '@logbridge/core'
    import { readFileSync, rmSync } from 'node:fs'
    import { execFileSync } from 'node:child_process'
    import { writeFileSync } from 'node:fs'
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', '/mnt'])
    writeFileSync('/mnt/fill', Buffer.alloc(150_000))
    const provider = createLoggerProvider({ file: { path: '/mnt/logs.jsonl' }, register: false })
    const logger = provider.getLogger('a')
    const read = () => readFileSync('/mnt/logs.jsonl', 'utf8')
    logger.emit({ body: 'one' })
    await provider.forceFlush()
    logger.emit({ body: 'two', attributes: { text: 'x'.repeat(150_000) } })
    await provider.forceFlush({ timeoutMillis: 300 })
    const amid = read()
    rmSync('/mnt/fill')
    await provider.forceFlush()
    await provider.shutdown()
    console.log(JSON.stringify({ amid: amid.split('\\n').length, lines: read().split('\\n').slice(0, -1).map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue), stats: provider.stats() }))
  `
    const output = execFileSync('unshare', ['-Urm', process.execPath, '--input-type=module', '-e', program], {
      cwd: new URL('../..', import.meta.url),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(JSON.parse(output)).toMatchObject({
      // The first line, and nothing after its newline.
      amid: 2,
      lines: ['one', 'two'],
      stats: { created: 2, delivered: 2, queued: 0, inFlight: 0, dropped: {} },
    })
  },
)
