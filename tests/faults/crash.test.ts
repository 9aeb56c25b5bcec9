import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createLoggerProvider } from '@logbridge/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'

// A process with a spool ends while the Collector is down: the next process delivers its last records.

const program = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/crash.mjs', import.meta.url))
const DEAD = 'http://127.0.0.1:1'

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

async function crash(how: string, directory: string): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, DEAD, directory, how], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, stderr }
}

describe.skipIf(program === undefined)('createLoggerProvider with a spool', () => {
  test.each([
    ['by an uncaught exception', 'throw', { code: 1, signal: null }, ['first', 'last', 'boom']],
    [
      'by an exception in the handler of an uncaught exception',
      'again',
      { code: 7, signal: null },
      ['first', 'last', 'boom'],
    ],
    ['by process.exit()', 'exit', { code: 3, signal: null }, ['first', 'last']],
    ['by a signal of shutdownSignals', 'SIGTERM', { code: null, signal: 'SIGTERM' }, ['first', 'last']],
    ['because its event loop is empty', 'idle', { code: 0, signal: null }, ['first', 'last']],
  ])(
    'delivers the last records by the next process when the process ends %s',
    { tags: 'long' },
    async (_, how, end, expected) => {
      const directory = await mkdtemp(join(tmpdir(), 'logbridge-crash-'))
      onTestFinished(() => rm(directory, { recursive: true }))
      const ended = await crash(how, directory)
      expect(ended).toMatchObject(end)
      // No loss is reported.
      expect(ended.stderr).not.toMatch(/not yet sent|dropped|loss/)
      if (how === 'throw') expect(ended.stderr).toContain('Error: boom')

      const collector = await startCollector(program as string)
      onTestFinished(() => collector.stop())
      const next = createLoggerProvider({
        endpoint: collector.grpcUrl,
        register: false,
        spool: { directory },
      })
      onTestFinished(() => next.shutdown(0))
      await vi.waitFor(() => expect(next.stats().delivered).toBe(expected.length), { timeout: 20_000 })
      await next.shutdown()
      const records = collector.received.resourceLogs.flatMap(({ scopeLogs }) =>
        scopeLogs.flatMap(({ logRecords }: { logRecords: any[] }) => logRecords),
      )
      expect(records.map(({ body }) => body.stringValue)).toEqual(expected)
      if (how === 'throw') expect(records.at(-1)).toMatchObject({ severityNumber: 21, severityText: 'FATAL' })
      reportCounts(`ended ${_}`, next.stats())
      expect(await readdir(directory)).toEqual([])
    },
  )
})
