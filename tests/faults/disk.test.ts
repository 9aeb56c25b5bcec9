import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { LogsStats } from '@logbridge/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { run } from '@logbridge/test-support/run'
import { NOTHING } from '@logbridge/test-support/stats'

// Processes with a spool on a failing disk while the Collector is down, and a process that may write to its spool only.

const program = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/smallDisk.mjs', import.meta.url))
const COUNT = 2000

const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0
/** Shell command in a mount namespace: `$0` is the directory, `$@` the program. */
const isolated = ['unshare', '-Urm', 'sh', '-c']
const disks: Record<string, string[]> = {
  ...(canMount && {
    'is full': [...isolated, 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'],
    'is read-only': [...isolated, 'mount -t tmpfs -o ro none "$0" && exec "$@"'],
  }),
  // Blocks have 512 bytes, so the longest file has 100 kB.
  'lets no file grow': ['sh', '-c', 'ulimit -f 200 && exec "$@"'],
}

describe.skipIf(program === undefined || process.platform === 'win32')(
  'createLoggerProvider with a disk that',
  () => {
    test.each(Object.entries(disks))('%s loses no record, and warns once', async (name, disk) => {
      const directory = await mkdtemp(join(tmpdir(), 'logbridge-disk-'))
      onTestFinished(() => rm(directory, { recursive: true }))
      const ledger = createLedger()
      const collector = await startCollector(program as string, { onLogs: ledger.take })
      onTestFinished(() => collector.stop())
      await collector.kill()

      const [command, ...shell] = disk as [string, ...string[]]
      const application = [process.execPath, PROGRAM, collector.grpcUrl, directory, String(COUNT)]
      const child = spawn(command, [...shell, directory, ...application])
      onTestFinished(() => void child.kill('SIGKILL'))
      let stderr = ''
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      const lines = createInterface({ input: child.stdout })
      const nextCounts = async (): Promise<LogsStats & { left?: number }> =>
        JSON.parse((await once(lines, 'line'))[0])

      const waiting = await nextCounts()
      reportCounts(`disk ${name}, Collector down`, waiting)
      expect(waiting).toMatchObject({ created: COUNT, delivered: 0, dropped: NOTHING })
      if (name !== 'is read-only') expect(waiting.spooled).toBeGreaterThan(0)
      // With short files, the next segment takes the requests that did not fit.
      if (name !== 'lets no file grow') expect(waiting.spooled).toBeLessThan(COUNT)
      await collector.restart()
      child.stdin.end()
      const { left, ...stats } = await nextCounts()
      await once(child, 'close')
      reportCounts(`disk ${name}`, stats, { duplicates: ledger.duplicates() })
      expect(stats).toMatchObject({ created: COUNT, delivered: COUNT, dropped: NOTHING, spooled: 0 })
      expect(ledger.missing(COUNT)).toEqual([])
      const warnings = stderr.split('\n').filter((line) => line.startsWith('logbridge: '))
      expect(warnings.filter((line) => line.includes('writing to the spool'))).toHaveLength(1)
      expect(
        warnings.filter(
          (line) =>
            !/writing to the spool|export to .* (?:failed|succeeds)|exports? fail|still waiting for/.test(
              line,
            ),
        ),
      ).toEqual([])
      expect(left).toBe(0)
    })
  },
)

test('createLoggerProvider delivers when the process may write to the spool directory only', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'logbridge-disk-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const permissions = ['--permission', '--allow-fs-read=*', '--disable-warning=ExperimentalWarning']
  if (process.allowedNodeEnvironmentFlags.has('--allow-net')) permissions.push('--allow-net')
  const code = `
    import { createLoggerProvider } from '@logbridge/core'
    import { startViewer } from '@logbridge/viewer'
    const [directory] = process.argv.slice(1)
    const viewer = await startViewer({ grpcPort: 0, httpPort: 0 })
    const spool = directory && { directory }
    const provider = createLoggerProvider({ endpoint: viewer.grpcUrl, spool })
    provider.getLogger('l').emit({ body: 'hello' })
    if (directory) while (provider.stats().spooled + provider.stats().delivered < 1) await new Promise(setImmediate)
    await provider.shutdown()
    await viewer.close()
    console.log(JSON.stringify(provider.stats()))`
  const without = await run(process.execPath, [...permissions, '--input-type=module', '-e', code])
  expect(JSON.parse(without)).toMatchObject({ created: 1, delivered: 1 })
  const allowed = [...permissions, `--allow-fs-write=${directory}`, '--input-type=module', '-e', code]
  const spooled = await run(process.execPath, [...allowed, '--', directory])
  expect(JSON.parse(spooled)).toMatchObject({ created: 1, delivered: 1 })
  expect(await readdir(directory)).toEqual([])
})
