import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createInterface } from 'node:readline'
import { Worker } from 'node:worker_threads'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { afterKill, filesIn, found, keep, newDirectory, read, spoolAt, texts } from './spoolDirectory.ts'

// Directories whose locks are free although their owners live: a process that copies its spool directory loses its locks.

const warnings = capturedWarnings()

const program = new URL('../fixtures/spool.mjs', import.meta.url).pathname
const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

const IN_NAMESPACE = ['-Urp', '--fork', '--kill-child', '--mount-proc', process.execPath]
const hasNamespaces = spawnSync('unshare', [...IN_NAMESPACE, '--version']).status === 0
const hasProc = process.platform === 'linux'

interface Child {
  readonly child: ChildProcess
  readonly warnings: readonly string[]
  /** Reads the next line of stdout. */
  readonly next: () => Promise<string>
}

function start(command: string, ...given: string[]): Child {
  const child = spawn(command, given, { stdio: 'pipe' })
  const stderr: string[] = []
  child.stderr.on('data', (text) => stderr.push(String(text)))
  children.push(child)
  const lines: AsyncIterator<string> = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return { child, warnings: stderr, next: async () => (await lines.next()).value as string }
}

const node = (...given: string[]): Child => start(process.execPath, '--no-warnings', program, ...given)

/** Starts a process that has lost its lock. */
async function startWithoutLock(directory: string, text: string): Promise<Child> {
  const holder = node('lose', directory, text, newDirectory())
  expect(await holder.next()).toBe('lost')
  return holder
}

async function kill({ child }: Child): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

/** Reads the texts that a process recovers, and waits for its end. */
async function foundBy({ child, next }: Child): Promise<string[]> {
  const closed = once(child, 'close')
  const line = await next()
  await closed
  return JSON.parse(line) as string[]
}

const foundByAnother = (directory: string): Promise<string[]> => foundBy(node('recover', directory))
const foundInNamespace = (directory: string): Promise<string[]> =>
  foundBy(start('unshare', ...IN_NAMESPACE, '--no-warnings', program, 'recover', directory))

const ownerIn = (directory: string): string => filesIn(directory, 'owner')[0]!

/** Moves the time of the last heartbeat. */
function moveHeartbeat(directory: string, seconds: number): void {
  const path = ownerIn(directory)
  const time = lstatSync(path).mtimeMs / 1000 + seconds
  utimesSync(path, time, time)
}

/** Creates a directory with a free lock and a changed owner file. */
async function abandoned(text: string, change: (owner: Record<string, unknown>) => unknown): Promise<string> {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  await keep(spool, text)
  const copy = afterKill(directory)
  await spool.close()
  const path = ownerIn(copy)
  const [first, ...rest] = readFileSync(path, 'utf8').split('\n')
  const inode = String(lstatSync(path, { bigint: true }).ino)
  const changed = change({ ...(JSON.parse(first!) as object), inode })
  writeFileSync(path, [typeof changed === 'string' ? changed : JSON.stringify(changed), ...rest].join('\n'))
  return copy
}

describe('Spool.recover of a directory with a free lock', () => {
  test('skips it while its owner lives, and recovers it when the owner is killed', async () => {
    const directory = newDirectory()
    const holder = await startWithoutLock(directory, 'kept')
    expect(await foundByAnother(directory)).toEqual([])
    expect(await found(directory)).toEqual([])
    holder.child.stdin!.write('more\n')
    expect(await holder.next()).toBe('kept, more')
    await kill(holder)
    expect(await foundByAnother(directory)).toEqual(['kept', 'more'])
    expect(warnings).toEqual([])
  })

  test.runIf(hasProc)('skips it while its owner is stopped, at any age of the heartbeat', async () => {
    const directory = newDirectory()
    const holder = await startWithoutLock(directory, 'kept')
    holder.child.kill('SIGSTOP')
    moveHeartbeat(directory, -3600)
    expect(await foundByAnother(directory)).toEqual([])
    holder.child.kill('SIGCONT')
    await kill(holder)
    expect(await found(directory)).toEqual(['kept'])
  })

  test.runIf(hasProc)('recovers it when its owner is a zombie', async () => {
    const directory = newDirectory()
    const holder = start(
      'sh',
      '-c',
      `"${process.execPath}" --no-warnings "${program}" lose "${directory}" kept "${newDirectory()}" & ` +
        'echo $!; exec sleep 1000',
    )
    const pid = Number(await holder.next())
    expect(await holder.next()).toBe('lost')
    expect(await found(directory)).toEqual([])
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\) Z /)
    // Other threads of a zombie hold its lock until they end.
    await expect.poll(() => found(directory)).toEqual(['kept'])
  })

  test.runIf(hasProc)('recovers it when another process has the id of its owner', async () => {
    const reused = await abandoned('kept', (owner) => ({ ...owner, started: '1' }))
    expect(await found(reused)).toEqual(['kept'])
  })

  test.runIf(hasProc)(
    'recovers it 10 s after the last heartbeat when its owner is of another machine',
    async () => {
      const directory = await abandoned('kept', (owner) => ({ ...owner, scope: 'another machine' }))
      expect(await found(directory)).toEqual([])
      moveHeartbeat(directory, -9)
      expect(await found(directory)).toEqual([])
      moveHeartbeat(directory, -2)
      expect(await found(directory)).toEqual(['kept'])
      // The first recovery was by this process, which left the entry to the next spool.
      expect(await found(directory)).toEqual(['kept'])
    },
  )

  test.runIf(hasProc)('recovers it when its heartbeat is in the future', async () => {
    const directory = await abandoned('kept', (owner) => ({ ...owner, scope: 'another machine' }))
    moveHeartbeat(directory, 3600)
    expect(await found(directory)).toEqual(['kept'])
  })

  test.each([
    ['garbage', () => '{"scope":'],
    ['empty', () => ''],
    ['of another form', () => ({ pid: 'me' })],
    ['a copy', (owner: object) => ({ ...owner, inode: '1' })],
  ])('recovers it when its owner file is %s', async (_, change) => {
    expect(await found(await abandoned('kept', change))).toEqual(['kept'])
  })

  test('recovers it when its owner file is a link, and leaves the target unchanged', async () => {
    const directory = await abandoned('kept', (owner) => ({ ...owner, scope: 'another machine' }))
    const target = newDirectory()
    writeFileSync(target, readFileSync(ownerIn(directory)))
    const before = readFileSync(target)
    const path = ownerIn(directory)
    rmSync(path)
    symlinkSync(target, path)
    expect(await found(directory)).toEqual(['kept'])
    expect(readFileSync(target)).toEqual(before)
  })

  test('recovers it when owner.new is a hard link, and leaves the linked file unchanged', async () => {
    const directory = await abandoned('kept', () => '')
    const target = newDirectory()
    writeFileSync(target, 'of someone else')
    linkSync(target, `${ownerIn(directory)}.new`)
    expect(await found(directory)).toEqual(['kept'])
    expect(readFileSync(target, 'utf8')).toBe('of someone else')
  })

  test.runIf(process.platform !== 'win32')('recovers it when owner.new is a pipe', async () => {
    const directory = await abandoned('kept', () => '')
    execFileSync('mkfifo', [`${ownerIn(directory)}.new`])
    // In a separate process, because opening the pipe would block it forever.
    expect(await foundByAnother(directory)).toEqual(['kept'])
  })
})

test.runIf(hasProc)(
  'Spool.recover recovers the directory of a worker thread at once when the thread is terminated',
  async () => {
    const directory = newDirectory()
    const worker = new Worker(program, { workerData: ['hold', directory, 'kept'] })
    expect(await once(worker, 'message')).toEqual(['kept'])
    const living = node('hold', directory, 'of a living process')
    expect(await living.next()).toBe('kept')
    expect(await found(directory)).toEqual([])
    await worker.terminate()
    expect(await found(directory)).toEqual(['kept'])
  },
)

if (!hasNamespaces && process.env['CI'] !== 'true') {
  process.stdout.write('skipped: recovery across PID namespaces needs unshare and user namespaces\n')
}

describe.runIf(hasNamespaces || process.env['CI'] === 'true')(
  'Spool.recover in another PID namespace',
  () => {
    test('recovers a directory with a free lock 10 s after the last heartbeat', async () => {
      const directory = newDirectory()
      const holder = await startWithoutLock(directory, 'kept')
      expect(await foundInNamespace(directory)).toEqual([])
      await kill(holder)
      expect(await foundInNamespace(directory)).toEqual([])
      moveHeartbeat(directory, -11)
      expect(await foundInNamespace(directory)).toEqual(['kept'])
    })

    test('skips a locked directory at any age of the heartbeat', async () => {
      const directory = newDirectory()
      const holder = node('hold', directory, 'kept')
      expect(await holder.next()).toBe('kept')
      holder.child.kill('SIGSTOP')
      moveHeartbeat(directory, -3600)
      expect(await foundInNamespace(directory)).toEqual([])
      await kill(holder)
      expect(await foundInNamespace(directory)).toEqual(['kept'])
    })

    test('lets the former owner continue in another directory', async () => {
      const directory = newDirectory()
      const holder = await startWithoutLock(directory, 'kept')
      holder.child.kill('SIGSTOP')
      moveHeartbeat(directory, -11)
      const other = start('unshare', ...IN_NAMESPACE, '--no-warnings', program, 'deliver', directory)
      expect(await other.next()).toBe('["kept"]')
      await once(other.child, 'close')
      // The empty directory stays, because its owner file informs the former owner.
      const [contested] = readdirSync(directory)
      expect(filesIn(directory)).toEqual([])
      holder.child.kill('SIGCONT')
      holder.child.stdin!.write('more\n')
      expect(await holder.next()).toBe('recovered, more')
      await kill(holder)
      expect(holder.warnings.join('')).toMatch(/^logbridge: another process has recovered the spool .*\n$/)
      expect(filesIn(directory).map((path) => dirname(path))).not.toContain(join(directory, contested!))
      expect(await found(directory)).toEqual(['more'])
      // After an hour the empty directory is removed.
      utimesSync(join(directory, contested!), 1, 1)
      await found(directory)
      expect(readdirSync(directory)).not.toContain(contested)
    })
  },
)

test('Spool.recover skips a directory with a free lock when its owner is this thread', async () => {
  expect(await found(await abandoned('kept', (owner) => owner))).toEqual([])
})

test('Spool leaves a directory unchanged when another process has recovered it', async () => {
  const directory = newDirectory()
  const spool = spoolAt(directory)
  const entries = await keep(spool, 'a', 'b', 'c')
  const owner = ownerIn(directory)
  const lost = dirname(owner)
  const bytes = readFileSync(filesIn(directory)[0]!)
  // Replace the owner file, as another process does that recovers the directory.
  writeFileSync(`${owner}.new`, readFileSync(owner))
  renameSync(`${owner}.new`, owner)
  expect(await read(spool, entries[0]!)).toEqual({ read: ['recovered'] })
  for (const entry of entries) spool.ack(entry)
  expect(spool.bytes).toBe(0)
  const [more] = await keep(spool, 'more')
  expect(await texts(spool, [more!])).toEqual(['more'])
  spool.ack(more!)
  await spool.close()
  expect(readFileSync(filesIn(directory)[0]!)).toEqual(bytes)
  expect(readdirSync(lost)).toContain('lock')
  expect(warnings).toEqual([
    expect.stringMatching(/another process has recovered the spool .*no log record is lost/),
  ])
})
