import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { LogsStats } from '@logbridge/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportAccount } from '../support/account.ts'
import { findCollector, startCollector } from '../support/collector.ts'
import { startFaultProxy } from '../support/faultProxy.ts'
import { createLedger } from '../support/ledger.ts'

// Applications killed by kill -9 at random moments, with the spool on and the real Collector behind a line that is cut now and
// then. What a process has printed as safe must arrive.

const collectorProgram = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/spooling.mjs', import.meta.url))
/** Numbers that one process may log. */
const RANGE = 10_000
const PATIENCE = { timeout: 60_000, interval: 20 }

interface Application {
  readonly child: ChildProcess
  /** All numbers below it are safe. */
  safe(): number
  /** Shuts it down, and gives its account. */
  end(): Promise<LogsStats>
}

function startApplication(endpoint: string, directory: string, from: number, count: number): Application {
  const child = spawn(process.execPath, [PROGRAM, endpoint, directory, String(from), String(count)], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let safe = from
  let account: LogsStats | undefined
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    if (line.startsWith('{')) account = JSON.parse(line) as LogsStats
    else safe = Number(line)
  })
  return {
    child,
    safe: () => safe,
    async end() {
      child.stdin.end()
      await once(lines, 'close')
      return account!
    },
  }
}

describe.skipIf(collectorProgram === undefined)('an application that is killed', () => {
  for (const { kills, tags } of [
    { kills: 8, tags: [] },
    { kills: 100, tags: ['long'] },
  ]) {
    test(
      `by kill -9, ${kills} times at random moments: what was safe is delivered by the next`,
      { tags, timeout: 300_000 },
      async () => {
        const directory = await mkdtemp(join(tmpdir(), 'logbridge-kill-'))
        onTestFinished(() => rm(directory, { recursive: true }))
        const ledger = createLedger()
        const collector = await startCollector(collectorProgram as string, { onLogs: ledger.take })
        onTestFinished(() => collector.stop())
        const proxy = await startFaultProxy(collector.grpcUrl)
        onTestFinished(() => proxy.close())

        const safe: { from: number; to: number }[] = []
        for (let kill = 0; kill < kills; kill += 1) {
          // Half of them find the Collector away, some see it go or come.
          if (kill % 4 === 1) await proxy.refuse()
          if (kill % 4 === 3) await proxy.listen()
          const from = kill * RANGE
          const application = startApplication(proxy.url, directory, from, RANGE)
          const rounds = Math.floor(Math.random() * 15)
          await vi.waitFor(() => expect(application.safe()).toBeGreaterThanOrEqual(from + rounds * 20), {
            ...PATIENCE,
            interval: 1,
          })
          await delay(Math.random() * 20)
          application.child.kill('SIGKILL')
          await once(application.child, 'close')
          safe.push({ from, to: application.safe() })
        }

        await proxy.listen().catch(() => {})
        const last = startApplication(proxy.url, directory, kills * RANGE, 0)
        const missing = (): number[] => safe.flatMap(({ from, to }) => ledger.missing(to, from))
        await vi.waitFor(() => expect(missing()).toEqual([]), PATIENCE)
        const stats = await last.end()
        reportAccount(`application killed ${kills} times`, stats, {
          safe: safe.reduce((sum, { from, to }) => sum + to - from, 0),
          arrived: ledger.arrived(),
          duplicates: ledger.duplicates(),
        })
        expect(stats).toMatchObject({ queued: 0, inFlight: 0, spooled: 0, dropped: {} })
        // An empty folder is kept for a minute: its owner may be about to lock it.
        const left = await readdir(directory, { recursive: true })
        expect(left.filter((name) => name.endsWith('.seg'))).toEqual([])
      },
    )
  }
})
