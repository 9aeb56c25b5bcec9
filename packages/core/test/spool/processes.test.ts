import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import {
  recover,
  bytesOnDisk,
  filesIn,
  found,
  keep,
  newDirectory,
  sorted,
  spoolAt,
  texts,
} from './spoolDirectory.ts'

// Real processes and threads in one directory; some are killed.

const made = capturedWarnings()

const program = new URL('../fixtures/spool.mjs', import.meta.url)
const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

interface Program {
  readonly child: ChildProcess
  /** What it has said, complete when it has ended. */
  readonly lines: string[]
  /** Resolves when it has said this many lines. */
  readonly said: (count: number) => Promise<void>
  readonly kill: () => Promise<void>
}

function start(...given: string[]): Program {
  const child = spawn(process.execPath, ['--no-warnings', program.pathname, ...given], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stderr.pipe(process.stderr)
  children.push(child)
  const lines: string[] = []
  const closed = once(child, 'close')
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const ended = once(reader, 'close')
  const said = async (count: number): Promise<void> => {
    while (lines.length < count && child.exitCode === null) await Promise.race([once(reader, 'line'), closed])
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await Promise.all([closed, ended])
  }
  return { child, lines, said, kill }
}

/** What another process can recover now. */
async function adoptedByAnother(directory: string): Promise<string[]> {
  const other = start('recover', directory)
  await once(other.child, 'close')
  return JSON.parse(other.lines[0]!) as string[]
}

async function startThread(directory: string, text: string): Promise<Worker> {
  const worker = new Worker(program, { workerData: ['hold', directory, text] })
  expect(await once(worker, 'message')).toEqual(['kept'])
  return worker
}

describe('a process that is killed', () => {
  test('loses its lock at once, and what it has kept is recovered; while it lives, nothing is', async () => {
    const directory = newDirectory()
    const holder = start('hold', directory, 'kept by a process')
    await holder.said(1)
    expect(await found(directory)).toEqual([])
    expect(await adoptedByAnother(directory)).toEqual([])
    await holder.kill()
    expect(await found(directory)).toEqual(['kept by a process'])
    expect(made).toEqual([])
  })

  test(
    'at a random moment has lost nothing that an append has resolved for, and nothing is there twice',
    { tags: 'long' },
    async () => {
      // The same directory for all of them: each adopts what the others have left, while it appends and delivers itself.
      const directory = newDirectory()
      const said: string[] = []
      let duplicates = 0
      const moments = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 2, maxLength: 3 })
      await fc.assert(
        fc.asyncProperty(moments, async (after) => {
          const running = after.map((_, index) => start('work', directory, String(index)))
          await Promise.all(
            running.map(async ({ said, kill }, index) => {
              await said(after[index]!)
              await kill()
            }),
          )
          said.push(...running.flatMap(({ lines }) => lines))
        }),
        { numRuns: 5, endOnFailure: true },
      )
      const left = await found(directory)
      expect(new Set(left).size).toBe(left.length)
      const ids = new Set(left.map((text) => text?.split(':')[0]))
      // Each is whole: a program that reads one of another's says whether it is what it must be.
      const sent = new Set<string>()
      for (const line of said.filter((text) => text.startsWith('sent '))) {
        const [, id, whole] = line.split(' ')
        expect(whole).toBe('true')
        if (sent.has(id!) || ids.has(id)) duplicates += 1
        sent.add(id!)
      }
      const kept = said.filter((text) => text.startsWith('kept ')).map((text) => text.slice('kept '.length))
      expect(kept.length).toBeGreaterThan(100)
      expect(kept.filter((id) => !sent.has(id) && !ids.has(id))).toEqual([])
      expect(made).toEqual([])
      process.stdout.write(`killed: ${kept.length} kept, 0 lost, ${duplicates} sent twice\n`)
    },
  )
})

test('a spool does not keep a process alive, and needs no closing', async () => {
  const directory = newDirectory()
  const { child } = start('end', directory)
  expect(await once(child, 'close')).toEqual([0, null])
  expect(await found(directory)).toContain('left')
})

test('two processes and a thread in one directory have a folder each, and leave each other alone', async () => {
  const directory = newDirectory()
  const [one, two] = [start('hold', directory, 'one'), start('hold', directory, 'two')]
  await Promise.all([one.said(1), two.said(1)])
  const mine = spoolAt(directory, { maxBytes: 2 ** 30 })
  await keep(mine, 'mine')
  expect(await recover(mine)).toEqual([])
  expect(filesIn(directory, 'lock')).toHaveLength(3)
  await one.kill()
  const recovered = await recover(mine)
  expect(recovered).toHaveLength(1)
  // Now they are mine, and no one else's.
  expect(await adoptedByAnother(directory)).toEqual([])
  await two.kill()
  expect(await adoptedByAnother(directory)).toEqual(['two'])
  await mine.close()
  expect(sorted(await found(directory))).toEqual(['mine', 'one', 'two'])
})

test('eight processes that fill one directory together never exceed maxBytes, and use most of it', async () => {
  const directory = newDirectory()
  const maxBytes = 4 * 1024 * 1024
  const running = Array.from({ length: 8 }, () => start('flood', directory, String(maxBytes)))
  const full = Promise.all(running.map(({ said }) => said(1))).then(() => true)
  let most = 0
  do if (existsSync(directory)) most = Math.max(most, bytesOnDisk(directory))
  while (!(await Promise.race([full, setTimeout(5, false)])))
  most = Math.max(most, bytesOnDisk(directory))
  expect(running.map(({ lines }) => lines)).toEqual(running.map(() => ['full']))
  expect(most).toBeLessThanOrEqual(maxBytes)
  expect(most).toBeGreaterThan(maxBytes * 0.7)
})

test('worker threads have a folder each; one that is ended leaves what it has to the others', async () => {
  const directory = newDirectory()
  const workers = await Promise.all(['a', 'b', 'c'].map((text) => startThread(directory, text)))
  expect(filesIn(directory, 'lock')).toHaveLength(3)
  const spool = spoolAt(directory)
  expect(await recover(spool)).toEqual([])
  expect(await adoptedByAnother(directory)).toEqual([])
  await workers[1]!.terminate()
  const [entry, ...more] = await recover(spool)
  expect(await texts(spool, [entry!])).toEqual(['b'])
  expect(more).toEqual([])
  await Promise.all(workers.map((worker) => worker.terminate()))
  expect(await adoptedByAnother(directory)).toHaveLength(2)
  await spool.close()
  expect(sorted(await found(directory))).toEqual(['a', 'b', 'c'])
  expect(made).toEqual([])
})
