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

// Real processes and threads share one directory, and some are killed.

const warnings = capturedWarnings()

const program = new URL('../fixtures/spool.mjs', import.meta.url)
const children: ChildProcess[] = []
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')))

interface Program {
  readonly child: ChildProcess
  /** Lines of stdout, complete when the program has ended. */
  readonly lines: string[]
  /** Waits for the given number of lines. */
  readonly waitForLines: (count: number) => Promise<void>
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
  const waitForLines = async (count: number): Promise<void> => {
    while (lines.length < count && child.exitCode === null) await Promise.race([once(reader, 'line'), closed])
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await Promise.all([closed, ended])
  }
  return { child, lines, waitForLines, kill }
}

/** Starts another process that recovers. @returns the texts of the entries */
async function recoveredByAnother(directory: string): Promise<string[]> {
  const other = start('recover', directory)
  await once(other.child, 'close')
  return JSON.parse(other.lines[0]!) as string[]
}

async function startThread(directory: string, text: string): Promise<Worker> {
  const worker = new Worker(program, { workerData: ['hold', directory, text] })
  expect(await once(worker, 'message')).toEqual(['kept'])
  return worker
}

describe('Spool.recover after kill -9', () => {
  test('returns the entries of a process at once when it is killed, and none while it lives', async () => {
    const directory = newDirectory()
    const holder = start('hold', directory, 'kept by a process')
    await holder.waitForLines(1)
    expect(await found(directory)).toEqual([])
    expect(await recoveredByAnother(directory)).toEqual([])
    await holder.kill()
    expect(await found(directory)).toEqual(['kept by a process'])
    expect(warnings).toEqual([])
  })

  test('returns each entry once whose append has resolved, at random moments', { tags: 'long' }, async () => {
    // All share one directory: each recovers the entries of the others while it appends and delivers.
    const directory = newDirectory()
    const allLines: string[] = []
    let duplicates = 0
    const moments = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 2, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(moments, async (after) => {
        const running = after.map((_, index) => start('work', directory, String(index)))
        await Promise.all(
          running.map(async ({ waitForLines, kill }, index) => {
            await waitForLines(after[index]!)
            await kill()
          }),
        )
        allLines.push(...running.flatMap(({ lines }) => lines))
      }),
      { numRuns: 5, endOnFailure: true },
    )
    const left = await found(directory)
    expect(new Set(left).size).toBe(left.length)
    const ids = new Set(left.map((text) => text?.split(':')[0]))
    // Each entry is whole: the program that sends an entry compares it with its id.
    const sent = new Set<string>()
    for (const line of allLines.filter((text) => text.startsWith('sent '))) {
      const [, id, whole] = line.split(' ')
      expect(whole).toBe('true')
      if (sent.has(id!) || ids.has(id)) duplicates += 1
      sent.add(id!)
    }
    const kept = allLines.filter((text) => text.startsWith('kept ')).map((text) => text.slice('kept '.length))
    expect(kept.length).toBeGreaterThan(100)
    expect(kept.filter((id) => !sent.has(id) && !ids.has(id))).toEqual([])
    expect(warnings).toEqual([])
    process.stdout.write(`killed: ${kept.length} kept, 0 lost, ${duplicates} sent twice\n`)
  })
})

test('Spool lets the process end when it is not closed', async () => {
  const directory = newDirectory()
  const { child } = start('end', directory)
  expect(await once(child, 'close')).toEqual([0, null])
  expect(await found(directory)).toContain('left')
})

test('Spool.recover skips the directories of two other processes while they live', async () => {
  const directory = newDirectory()
  const [one, two] = [start('hold', directory, 'one'), start('hold', directory, 'two')]
  await Promise.all([one.waitForLines(1), two.waitForLines(1)])
  const mine = spoolAt(directory, { maxBytes: 2 ** 30 })
  await keep(mine, 'mine')
  expect(await recover(mine)).toEqual([])
  expect(filesIn(directory, 'lock')).toHaveLength(3)
  await one.kill()
  const recovered = await recover(mine)
  expect(recovered).toHaveLength(1)
  // This spool owns the recovered directory now.
  expect(await recoveredByAnother(directory)).toEqual([])
  await two.kill()
  expect(await recoveredByAnother(directory)).toEqual(['two'])
  await mine.close()
  expect(sorted(await found(directory))).toEqual(['mine', 'one', 'two'])
})

test('Spool.append of eight processes never exceeds maxBytes, and uses most of it', async () => {
  const directory = newDirectory()
  const maxBytes = 4 * 1024 * 1024
  const running = Array.from({ length: 8 }, () => start('flood', directory, String(maxBytes)))
  const full = Promise.all(running.map(({ waitForLines }) => waitForLines(1))).then(() => true)
  let most = 0
  do if (existsSync(directory)) most = Math.max(most, bytesOnDisk(directory))
  while (!(await Promise.race([full, setTimeout(5, false)])))
  most = Math.max(most, bytesOnDisk(directory))
  expect(running.map(({ lines }) => lines)).toEqual(running.map(() => ['full']))
  expect(most).toBeLessThanOrEqual(maxBytes)
  expect(most).toBeGreaterThan(maxBytes * 0.7)
})

test('Spool.recover returns the entries of a worker thread when the thread is terminated, and none while it lives', async () => {
  const directory = newDirectory()
  const workers = await Promise.all(['a', 'b', 'c'].map((text) => startThread(directory, text)))
  expect(filesIn(directory, 'lock')).toHaveLength(3)
  const spool = spoolAt(directory)
  expect(await recover(spool)).toEqual([])
  expect(await recoveredByAnother(directory)).toEqual([])
  await workers[1]!.terminate()
  const [entry, ...more] = await recover(spool)
  expect(await texts(spool, [entry!])).toEqual(['b'])
  expect(more).toEqual([])
  await Promise.all(workers.map((worker) => worker.terminate()))
  expect(await recoveredByAnother(directory)).toHaveLength(2)
  await spool.close()
  expect(sorted(await found(directory))).toEqual(['a', 'b', 'c'])
  expect(warnings).toEqual([])
})
