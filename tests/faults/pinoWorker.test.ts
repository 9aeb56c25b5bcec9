import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { findCollector, startCollector } from '@logbridge/test-support/collector'

// pino's worker has a separate pipeline, whose spooled records outlive the process as well.

const program = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/pinoSpooling.mjs', import.meta.url))
const WAIT_OPTIONS = { timeout: 60_000, interval: 20 }
const COUNT = 500

function start(endpoint: string, directory: string, from: number, count: number): ChildProcess {
  const args = [PROGRAM, endpoint, directory, String(from), String(count)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  child.stderr.pipe(process.stderr)
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Reads the numbers of the lines in a spool. */
async function spooled(directory: string): Promise<Set<string>> {
  const numbers = new Set<string>()
  for (const name of await readdir(directory, { recursive: true })) {
    if (!name.endsWith('.seg')) continue
    const bytes = await readFile(join(directory, name), 'latin1').catch(() => '')
    for (const [, number] of bytes.matchAll(/line (\d+);/g)) numbers.add(number!)
  }
  return numbers
}

describe.skipIf(program === undefined)("pino's worker with a spool", () => {
  test.each([
    ['is killed', (child: ChildProcess) => child.kill('SIGKILL')],
    ['ends', (child: ChildProcess) => child.stdin!.end()],
  ])(
    'delivers the spooled lines by the next process when the application %s during an outage',
    { tags: 'long' },
    async (_, end) => {
      const directory = await mkdtemp(join(tmpdir(), 'logbridge-pino-'))
      onTestFinished(() => rm(directory, { recursive: true }))
      const collector = await startCollector(program as string)
      onTestFinished(() => collector.stop())
      await collector.kill()
      const first = start(collector.grpcUrl, directory, 0, COUNT)
      await vi.waitFor(async () => expect((await spooled(directory)).size).toBe(COUNT), WAIT_OPTIONS)
      end(first)
      await once(first, 'close')
      expect((await spooled(directory)).size).toBe(COUNT)

      await collector.restart()
      const second = start(collector.grpcUrl, directory, COUNT, 10)
      const bodies = (): string[] =>
        collector.received.resourceLogs.flatMap(({ scopeLogs }) =>
          scopeLogs[0].logRecords.map(({ body }: any) => body.stringValue),
        )
      await vi.waitFor(() => expect(new Set(bodies()).size).toBe(COUNT + 10), WAIT_OPTIONS)
      second.stdin!.end()
      await once(second, 'close')
      expect(bodies()).toHaveLength(COUNT + 10)
      expect((await spooled(directory)).size).toBe(0)
    },
  )
})
