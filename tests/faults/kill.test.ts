import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { startFaultProxy } from '@logbridge/test-support/faultProxy'
import { createLedger } from '@logbridge/test-support/ledger'
import { startApplication } from '@logbridge/test-support/spoolingApplication'
import { NOTHING } from '@logbridge/test-support/stats'

// Applications with a spool are killed by kill -9 at random moments, while the network to the real Collector fails now and
// then. Records that a process has printed as safe must arrive.

const collectorProgram = findCollector()
/** Size of the range of numbers that one process logs. */
const RANGE = 10_000
const WAIT_OPTIONS = { timeout: 60_000, interval: 20 }

/** Starts a Collector whose records a ledger takes, and makes a directory for the spool. */
async function startLedger() {
  const directory = await mkdtemp(join(tmpdir(), 'logbridge-kill-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const ledger = createLedger()
  const collector = await startCollector(collectorProgram as string, { onLogs: ledger.take })
  onTestFinished(() => collector.stop())
  return { directory, ledger, collector }
}

describe.skipIf(collectorProgram === undefined)('createLoggerProvider with a spool, after kill -9', () => {
  for (const { kills, tags } of [
    { kills: 8, tags: [] },
    { kills: 100, tags: ['long'] },
  ]) {
    test(
      `delivers all spooled records when processes are killed ${kills} times at random moments`,
      { tags, timeout: 300_000 },
      async () => {
        const { directory, ledger, collector } = await startLedger()
        const proxy = await startFaultProxy(collector.grpcUrl)
        onTestFinished(() => proxy.close())

        const safe: { from: number; to: number }[] = []
        for (let kill = 0; kill < kills; kill += 1) {
          // Half of the processes start while the Collector is unreachable.
          if (kill % 4 === 1) await proxy.refuse()
          if (kill % 4 === 3) await proxy.listen()
          const from = kill * RANGE
          const application = startApplication(proxy.url, directory, from, RANGE)
          const rounds = Math.floor(Math.random() * 15)
          await vi.waitFor(() => expect(application.safe()).toBeGreaterThanOrEqual(from + rounds * 20), {
            ...WAIT_OPTIONS,
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
        await vi.waitFor(() => expect(missing()).toEqual([]), WAIT_OPTIONS)
        const stats = await last.end()
        reportCounts(`application killed ${kills} times`, stats, {
          safe: safe.reduce((sum, { from, to }) => sum + to - from, 0),
          arrived: ledger.arrived(),
          duplicates: ledger.duplicates(),
        })
        expect(stats).toMatchObject({ queued: 0, inFlight: 0, spooled: 0, dropped: NOTHING })
        // An empty directory stays for a minute, because its owner may be about to lock it.
        const left = await readdir(directory, { recursive: true })
        expect(left.filter((name) => name.endsWith('.seg'))).toEqual([])
      },
    )
  }

  test(
    'delivers all spooled records when the Collector is down for five times the memory cap',
    { tags: 'long' },
    async () => {
      const { directory, ledger, collector } = await startLedger()
      await collector.kill()
      const options = { maxQueueBytes: 512 * 1024, text: 'x'.repeat(1000) }
      const ends: [number, number][] = []
      for (let from = 0; from < 4 * RANGE; from += RANGE) {
        const application = startApplication(collector.grpcUrl, directory, from, RANGE, options)
        // Each spools more than its memory cap.
        await vi.waitFor(() => expect(application.safe()).toBeGreaterThan(from + 700), WAIT_OPTIONS)
        application.child.kill('SIGKILL')
        await once(application.child, 'close')
        ends.push([application.safe(), from])
      }

      await collector.restart()
      const last = startApplication(collector.grpcUrl, directory, 4 * RANGE, 0, options)
      await vi.waitFor(
        () => expect(ends.flatMap((range) => ledger.missing(...range))).toEqual([]),
        WAIT_OPTIONS,
      )
      const stats = await last.end()
      reportCounts('application killed 4 times, Collector down', stats, {
        arrived: ledger.arrived(),
        duplicates: ledger.duplicates(),
      })
      expect(stats).toMatchObject({ created: 0, queued: 0, inFlight: 0, spooled: 0, dropped: NOTHING })
      expect(stats.recovered).toBeGreaterThan(4 * 700)
    },
  )

  test(
    'delivers all spooled records when two processes are killed while they send joined entries',
    { tags: 'long' },
    async () => {
      const { directory, ledger, collector } = await startLedger()
      const proxy = await startFaultProxy(collector.grpcUrl)
      onTestFinished(() => proxy.close())
      await proxy.refuse()
      // Each record is an entry.
      const options = { maxExportBatchSize: 1, text: 'x'.repeat(1000) }
      const joining = { text: options.text, maxExportBatchSize: 400 }
      const first = startApplication(proxy.url, directory, 0, 2000, options)
      await vi.waitFor(() => expect(first.safe()).toBe(2000), WAIT_OPTIONS)
      first.child.kill('SIGKILL')
      await once(first.child, 'close')

      // A joined request takes a second.
      proxy.fault = { bytesPerSecond: 400_000 }
      await proxy.listen()
      for (let kill = 1; kill <= 3; kill += 1) {
        const both = [1, 2].map((n) =>
          startApplication(proxy.url, directory, (2 * kill + n) * RANGE, 0, joining),
        )
        await vi.waitFor(() => expect(proxy.open).toBeGreaterThan(0), WAIT_OPTIONS)
        // Kill during the first request, after the 0.1 s in which acks are written, or later.
        await delay(400 + Math.random() * (kill - 1) * 500)
        for (const { child } of both) child.kill('SIGKILL')
        // Drop the partly sent requests as well.
        proxy.reset()
        await Promise.all(both.map(({ child }) => once(child, 'close')))
      }
      expect(ledger.missing(2000)).not.toEqual([])

      proxy.fault = {}
      const last = startApplication(proxy.url, directory, 9 * RANGE, 0, joining)
      await vi.waitFor(() => expect(ledger.missing(2000)).toEqual([]), WAIT_OPTIONS)
      const stats = await last.end()
      reportCounts('two processes killed while they send joined entries', stats, {
        arrived: ledger.arrived(),
        duplicates: ledger.duplicates(),
      })
      expect(stats).toMatchObject({ created: 0, queued: 0, inFlight: 0, spooled: 0, dropped: NOTHING })
      expect(stats.delivered).toBe(stats.recovered)
      const left = await readdir(directory, { recursive: true })
      expect(left.filter((name) => name.endsWith('.seg'))).toEqual([])
    },
  )

  test('gives duplicates the same log.record.uid when answers of the Collector are lost', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'logbridge-kill-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    const arrivals = new Map<number, string[]>()
    const collector = await startCollector(collectorProgram as string, {
      onLogs: (resourceLogs) => {
        for (const record of resourceLogs.flatMap(({ scopeLogs }) => scopeLogs[0].logRecords)) {
          const { value } = record.attributes.find(({ key }: { key: string }) => key === 'log.record.uid')
          const number = Number(record.body.intValue)
          arrivals.set(number, [...(arrivals.get(number) ?? []), value.stringValue])
        }
      },
    })
    onTestFinished(() => collector.stop())
    const proxy = await startFaultProxy(collector.grpcUrl)
    onTestFinished(() => proxy.close())
    const fewest = (): number =>
      Math.min(...Array.from({ length: 200 }, (_, n) => arrivals.get(n)?.length ?? 0))

    // Requests arrive and answers are lost, after the handshake of the connection.
    proxy.fault = { cut: { of: 'answer', afterBytes: 50, times: Infinity } }
    const application = startApplication(proxy.url, directory, 0, 200, { recordUid: true })
    await vi.waitFor(() => expect(application.safe()).toBe(200), WAIT_OPTIONS)
    await vi.waitFor(() => expect(arrivals.size).toBeGreaterThan(0), WAIT_OPTIONS)
    application.child.kill('SIGKILL')
    await once(application.child, 'close')
    const before = arrivals.size
    expect(before).toBeGreaterThan(0)

    proxy.fault = {}
    const next = startApplication(proxy.url, directory, 200, 0, { recordUid: true })
    await vi.waitFor(() => expect(fewest()).toBeGreaterThan(0), WAIT_OPTIONS)
    const stats = await next.end()
    const duplicates = [...arrivals.values()].reduce((sum, uids) => sum + uids.length - 1, 0)
    reportCounts('answers cut, then killed, with log.record.uid', stats, { duplicates })
    expect(stats).toMatchObject({ recovered: 200, delivered: 200 })
    expect(duplicates).toBeGreaterThanOrEqual(before)
    const unique = [...arrivals.values()].map((uids) => new Set(uids))
    expect(unique.every(({ size }) => size === 1)).toBe(true)
    expect(new Set(unique.flatMap((uids) => [...uids])).size).toBe(200)
  })
})
