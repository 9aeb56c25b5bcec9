import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { NOTHING } from '@logbridge/test-support/stats'

// Child processes and worker threads of one application share one spool while the Collector is unreachable.

const program = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/childProcesses.mjs', import.meta.url))
const WAIT_OPTIONS = { timeout: 60_000, interval: 20 }
const COUNT = 100

describe.skipIf(program === undefined)('process', () => {
  test.each(['fork', 'cluster', 'thread'])(
    'delivers the spooled records of a killed and of an exited %s with their service.instance.id',
    { tags: 'long', timeout: 120_000 },
    async (kind) => {
      const directory = await mkdtemp(join(tmpdir(), 'logbridge-relatives-'))
      onTestFinished(() => rm(directory, { recursive: true }))
      const ledger = createLedger()
      const ids: unknown[][] = [[], [], []]
      const collector = await startCollector(program as string, {
        onLogs(resourceLogs) {
          ledger.take(resourceLogs)
          for (const { resource, scopeLogs } of resourceLogs) {
            const id = resource.attributes.find(({ key }: { key: string }) => key === 'service.instance.id')
            const number = Number(scopeLogs[0].logRecords[0].body.intValue)
            ids[Math.floor(number / COUNT)]!.push(id.value.stringValue)
          }
        },
      })
      onTestFinished(() => collector.stop())
      await collector.kill()

      const child = spawn(process.execPath, [PROGRAM, kind, collector.grpcUrl, directory, String(COUNT)], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: { ...process.env, OTEL_RESOURCE_ATTRIBUTES: 'service.instance.id=pod-1' },
      })
      child.stderr.pipe(process.stderr)
      onTestFinished(() => void child.kill('SIGKILL'))
      let stdout = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      await vi.waitFor(() => expect(stdout.match(/^safe \d$/gm)).toHaveLength(3), WAIT_OPTIONS)
      child.stdin.write('end others\n')
      await vi.waitFor(() => expect(stdout).toContain('alone'), WAIT_OPTIONS)

      await collector.restart()
      await vi.waitFor(() => expect(ledger.missing(3 * COUNT)).toEqual([]), WAIT_OPTIONS)
      child.stdin.end()
      await once(child, 'close')
      const stats = JSON.parse(stdout.slice(stdout.indexOf('{')))
      reportCounts(`one spool for three: ${kind}`, stats, { duplicates: ledger.duplicates() })
      expect(stats).toMatchObject({
        created: COUNT,
        recovered: 2 * COUNT,
        delivered: 3 * COUNT,
        dropped: NOTHING,
      })
      expect(ledger.duplicates()).toBe(0)
      expect(ids.map((each) => new Set(each).size)).toEqual([1, 1, 1])
      expect(new Set(ids.flat()).size).toBe(3)
      expect(await readdir(directory)).toEqual([])
    },
  )
})
