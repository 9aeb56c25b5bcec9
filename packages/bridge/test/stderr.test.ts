import { execFileSync, spawn, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'

// Whole processes: a stream that fails ends one, and a pipe that is full blocks one.

const WARNINGS = new URL('../src/warnings.ts', import.meta.url).href
/** Prints `alive` when all events of the diagnostics have come. */
const PROGRAM = `
  const { warn } = await import(${JSON.stringify(WARNINGS)})
  for (let i = 0; i < COUNT; i += 1) {
    warn('something is wrong '.repeat(20))
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await new Promise((resolve) => setTimeout(resolve, 50))
  console.log('alive')
`
const ALIVE = { code: 0, stdout: 'alive\n' }

interface Options {
  /** Code that runs before the warnings. */
  before?: string
  count?: number
  /** Kind of stderr: 'gone' is a pipe whose reader has exited. */
  stderr: number | 'pipe' | 'gone'
  inWorker?: boolean
  /** Options of the worker. */
  options?: string
}

async function run({ before = '', count = 3, stderr, inWorker = false, options = '' }: Options) {
  const code = `${before}\n${PROGRAM.replace('COUNT', String(count))}`
  const started = inWorker
    ? `new (require('node:worker_threads').Worker)(${JSON.stringify(code)}, { eval: true, ${options} })`
    : code
  // A worker's text is CommonJS, which has no await outside of a function.
  const text = inWorker
    ? started.replace(JSON.stringify(code), JSON.stringify(`(async () => {${code}})()`))
    : started
  const stdio: StdioOptions = ['ignore', 'pipe', stderr === 'gone' ? 'pipe' : stderr]
  const type = inWorker ? 'commonjs' : 'module'
  const child = spawn(process.execPath, ['--no-warnings', `--input-type=${type}`, '-e', text], { stdio })
  onTestFinished(() => void child.kill('SIGKILL'))
  if (stderr === 'gone') child.stderr!.destroy()
  let stdout = ''
  let printed = ''
  child.stdout!.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code: exitCode ?? signal, stdout, stderr: printed }
}

/** Makes an open pipe without a reader. */
function unreadPipe(): number {
  const folder = mkdtempSync(join(tmpdir(), 'logbridge-stderr-'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const descriptor = openSync(join(folder, 'pipe'), 'r+')
  onTestFinished(() => {
    closeSync(descriptor)
    rmSync(folder, { recursive: true })
  })
  return descriptor
}

function fullDisk(): number {
  const descriptor = openSync('/dev/full', 'w')
  onTestFinished(() => closeSync(descriptor))
  return descriptor
}

describe.each([
  ['a process', false],
  ['a worker thread', true],
])('warn does not end %s', (_, inWorker) => {
  test('when stderr is closed', async () => {
    expect(await run({ stderr: 'gone', inWorker })).toMatchObject(ALIVE)
  })

  test('when stderr is a file on a full disk', async () => {
    expect(await run({ stderr: fullDisk(), inWorker })).toMatchObject(ALIVE)
  })

  test('nor block it or take its memory, when stderr is a pipe without a reader', async () => {
    expect(await run({ stderr: unreadPipe(), count: 2000, inWorker })).toMatchObject(ALIVE)
  })
})

/** Removes a function that Node.js has since 20.16. */
const WITHOUT_BUILTIN = `
  process.getBuiltinModule = undefined
  await import(${JSON.stringify(WARNINGS)})
  await Promise.all([import('node:fs'), import('node:worker_threads')])
`

describe.each([
  ['a process', false],
  ['a worker thread', true],
])('warn without getBuiltinModule does not end %s', (_, inWorker) => {
  const old = { before: WITHOUT_BUILTIN, inWorker }
  test('when stderr is closed', async () => {
    expect(await run({ ...old, stderr: 'gone' })).toMatchObject(ALIVE)
  })

  test('nor block it or take its memory, when stderr is a pipe without a reader', async () => {
    expect(await run({ ...old, stderr: unreadPipe(), count: 2000 })).toMatchObject(ALIVE)
  })
})

test.each([
  ['closed', () => 'gone' as const],
  ['a file on a full disk', fullDisk],
  ['a pipe without a reader', unreadPipe],
])(
  'a diagnostic does not block a worker thread with a separate stderr when the stderr of the process is %s',
  async (_, stderr) => {
    expect(
      await run({ stderr: stderr(), count: 2000, inWorker: true, options: 'stderr: true' }),
    ).toMatchObject(ALIVE)
  },
)

test('warn calls no error listener of the application when stderr is closed', async () => {
  const before = "process.stderr.on('error', () => process.exit(9))"
  expect(await run({ before, stderr: 'gone' })).toMatchObject(ALIVE)
})

test('warn leaves error events to the application when the application emits them', async () => {
  const before = `
    process.stderr.write = process.stderr.write
    process.once('beforeExit', () => process.stderr.emit('error', new Error('of the application')))`
  expect(await run({ before, stderr: 'pipe' })).toMatchObject({
    ...ALIVE,
    code: 1,
    stderr: expect.stringContaining('Error: of the application'),
  })
})

test('warn writes later when a pipe is full and has room again', async () => {
  const before = `
    const fs = await import('node:fs')
    void process.stderr
    try { for (;;) fs.writeSync(2, 'x'.repeat(1000)) } catch {}
    const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis))
    process.once('beforeExit', async () => {
      for (let full = true; full; await wait(10)) try { fs.writeSync(2, 'y'); full = false } catch {}
      await wait(250)
    })`
  const { stderr } = await run({ before, stderr: 'pipe' })
  expect(stderr.match(/logbridge: something is wrong/g)).toHaveLength(3)
})

const REPLACED: Record<string, string> = {
  'has a write that throws': "process.stderr.write = () => { throw new Error('no') }",
  'has a write that rejects': "process.stderr.write = async () => { throw new Error('no') }",
  'has a write that gives garbage': 'process.stderr.write = () => ({ then: 3 })',
  'has no listeners': "Object.defineProperty(process, 'stderr', { value: { write() { return 1 } } })",
  'is undefined': "Object.defineProperty(process, 'stderr', { value: undefined })",
  'cannot be read': "Object.defineProperty(process, 'stderr', { get() { throw new Error('no') } })",
  'is a Writable that fails': `
    const { Writable } = await import('node:stream')
    const value = new Writable({ write(chunk, encoding, done) { setTimeout(done, 5, new Error('no')) } })
    Object.defineProperty(process, 'stderr', { value })`,
  'emits an error in its own time': `
    const { EventEmitter } = await import('node:events')
    const value = Object.assign(new EventEmitter(), { write() { setTimeout(() => value.emit('error', new Error('no')), 5) } })
    Object.defineProperty(process, 'stderr', { value })`,
  'has been destroyed': 'process.stderr.destroy()',
  'has been ended': 'process.stderr.end()',
  'never calls back': `
    const { Writable } = await import('node:stream')
    Object.defineProperty(process, 'stderr', { value: new Writable({ write() {} }) })`,
}

test.each(Object.entries(REPLACED))('warn ends nothing when stderr %s', async (_, before) => {
  expect(await run({ before, stderr: 'pipe', count: 500 })).toMatchObject(ALIVE)
})

test('warn writes a whole line when the process ends at once, also in a worker thread', async () => {
  const ends = { before: "process.on('exit', () => {})", stderr: 'pipe', count: 1 } as const
  const line = /^logbridge: (something is wrong ){20}\n$/
  expect((await run(ends)).stderr).toMatch(line)
  expect((await run({ ...ends, inWorker: true })).stderr).toMatch(line)
})
