import { fileURLToPath } from 'node:url'
import { createLoggerProvider } from '@logbridge/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { reportCounts } from '@logbridge/test-support/faultCounts'
import { findCollector, startCollector } from '@logbridge/test-support/collector'
import { createLedger } from '@logbridge/test-support/ledger'
import { run } from '@logbridge/test-support/run'
import { NOTHING } from '@logbridge/test-support/stats'

// More records than can be sent, to a Collector.

const program = findCollector()
const PROGRAM = fileURLToPath(new URL('../fixtures/flood.mjs', import.meta.url))
const INFO = 9
const ERROR = 17

describe.skipIf(program === undefined)('provider', () => {
  test('loses nothing and lets the event loop turn when a loop logs 200,000 records', async () => {
    const count = 200_000
    const ledger = createLedger()
    const collector = await startCollector(program as string, { onLogs: ledger.take })
    onTestFinished(() => collector.stop())
    const printed = await run(process.execPath, [PROGRAM, collector.grpcUrl, `${count}`])
    const { stats, bytes, turns, mostInATurn, longestMillis } = JSON.parse(printed)
    reportCounts('flood of 200,000', stats, {
      MiB: Math.round(bytes / 2 ** 20),
      turns,
      'longest turn, ms': longestMillis,
    })
    expect(ledger.missing(count)).toEqual([])
    expect(stats).toMatchObject({ created: count, delivered: count, dropped: NOTHING })
    expect(ledger.duplicates()).toBe(0)
    // A batch has half a megabyte, and at most four are in flight.
    const batches = bytes / 2 ** 19
    expect(turns).toBeGreaterThan(batches)
    expect(mostInATurn).toBeLessThanOrEqual((4.5 * count) / batches)
  })

  test('drops low severities first when the cap is reached while the Collector is unreachable', async () => {
    const ledger = createLedger()
    const collector = await startCollector(program as string, { onLogs: ledger.take })
    onTestFinished(() => collector.stop())
    await collector.kill()
    const maxQueueBytes = 1_000_000
    const provider = createLoggerProvider({ endpoint: collector.grpcUrl, register: false, maxQueueBytes })
    const logger = provider.getLogger('flood')
    const droppedCount = (): number => provider.stats().dropped['queue_full'] ?? 0
    const accepted = new Set<number>()
    let number = 0
    function emit(severityNumber: number): boolean {
      const before = droppedCount()
      logger.emit({ body: number, severityNumber, attributes: { text: 'x'.repeat(100) } })
      const taken = droppedCount() === before
      if (taken) accepted.add(number)
      number += 1
      return taken
    }
    while (emit(INFO) && emit(ERROR));
    const full = provider.stats().bytes
    expect(full).toBeGreaterThanOrEqual(0.8 * maxQueueBytes)
    expect(full).toBeLessThan(0.81 * maxQueueBytes)
    let errors = 0
    while (emit(ERROR)) {
      errors += 1
      expect(emit(INFO)).toBe(false)
    }
    expect(errors).toBeGreaterThan(100)
    expect(provider.stats().bytes).toBeLessThan(1.01 * maxQueueBytes)

    await collector.restart()
    await provider.shutdown()
    const stats = provider.stats()
    reportCounts('cap reached while the Collector is down', stats, { duplicates: ledger.duplicates() })
    expect(stats).toMatchObject({ created: number, delivered: accepted.size })
    expect(ledger.arrived()).toBe(accepted.size)
    expect(ledger.missing(number).every((missing) => !accepted.has(missing))).toBe(true)
  })
})
