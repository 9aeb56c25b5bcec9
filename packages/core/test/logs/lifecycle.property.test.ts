import { setImmediate, setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectBalance } from '@logbridge/test-support/faultCounts'
import { resolveLogs } from '../../src/config/config.ts'
import { createRetryingTransport } from '../../src/transport/retry.ts'
import type { ExportOutcome, Transport } from '../../src/transport/transport.ts'
import { LogPipeline } from '../../src/logs/pipeline.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { recordOf, scope } from '../manualPipeline.ts'

capturedWarnings()

/** What the receiver does with a request. `silent` answers when it is made something else. */
type Mood = 'takes' | 'away' | 'silent' | 'refuses' | 'takes a part'

/** A mock: a receiver that takes, fails and keeps silent as it is told, and knows each record by its number. */
class MoodyTransport implements Transport {
  readonly taken: number[] = []
  readonly refused: number[] = []
  sends = 0
  private mood: Mood = 'takes'
  private changed = Promise.withResolvers<void>()

  become(mood: Mood): void {
    this.mood = mood
    this.changed.resolve()
    this.changed = Promise.withResolvers()
  }

  async send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    this.sends += 1
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    while (this.mood === 'silent' && !signal.aborted) await Promise.race([this.changed.promise, aborted])
    if (signal.aborted) return { kind: 'retryable', reason: 'aborted' }
    if (this.mood === 'away') return { kind: 'retryable', reason: 'away' }
    const numbers = Array.from(
      Buffer.from(request)
        .toString('latin1')
        .matchAll(/#(\d+);/g),
      ([, n]) => Number(n),
    )
    if (this.mood === 'refuses') {
      this.refused.push(...numbers)
      return { kind: 'failed', reason: 'refused' }
    }
    const rejected = this.mood === 'takes a part' ? 1 : 0
    this.refused.push(...numbers.splice(0, rejected))
    this.taken.push(...numbers)
    return { kind: 'delivered', rejected }
  }
  resetBackoff(): void {}
  close(): void {}
}

type Step =
  | { do: 'emit'; count: number }
  | { do: 'flush' | 'shutdown'; millis: number }
  | { do: 'become'; mood: Mood }
  | { do: 'wait'; turns: number }

const millis = fc.constantFrom(0, 1, 5, Infinity)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('emit' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('flush' as const), millis }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('shutdown' as const), millis }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('become' as const),
      mood: fc.constantFrom<Mood>('takes', 'away', 'silent', 'refuses', 'takes a part'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.nat({ max: 4 }) }) },
)
const options = fc.record({
  maxExportBatchSize: fc.constantFrom(undefined, 1, 3),
  scheduledDelayMillis: fc.constantFrom(0, 1, 600_000),
})

test('emit, flush and shutdown in any order, with a receiver in any mood: nothing is lost from the account', async () => {
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { maxLength: 30 }), async (given, steps) => {
      const transport = new MoodyTransport()
      const pipeline = new LogPipeline(
        resolveLogs(given, {}),
        createRetryingTransport(transport, () => 0.01),
      )
      const waits: Promise<unknown>[] = []
      let emitted = 0
      let ending: Promise<void> | undefined
      let ended = false

      /** Everything logged before a flush that has resolved before its time was up has met its fate. */
      async function flush(timeoutMillis: number): Promise<void> {
        const before = emitted
        await pipeline.forceFlush(timeoutMillis)
        expectBalance(pipeline.stats())
        if (timeoutMillis !== Infinity) return
        const { delivered, rejected, dropped } = pipeline.stats()
        const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
        expect(delivered + rejected + lost).toBeGreaterThanOrEqual(before)
        const met = new Set([...transport.taken, ...transport.refused])
        // A shutdown gives up what its time does not suffice for.
        if (ending === undefined) for (let n = 0; n < before; n += 1) expect(met).toContain(n)
      }

      async function shutdown(timeoutMillis: number): Promise<void> {
        const promise = pipeline.shutdown(timeoutMillis)
        expect(promise).toBe((ending ??= promise))
        await promise
        if (ended) return
        ended = true
        expect(pipeline.stats()).toMatchObject({ queued: 0, inFlight: 0, bytes: 0 })
      }

      async function perform(next: Step): Promise<void> {
        switch (next.do) {
          case 'emit':
            for (let n = 0; n < next.count; n += 1) pipeline.write(scope, recordOf(`#${emitted++};`, 9))
            break
          case 'flush':
            waits.push(flush(next.millis))
            break
          case 'shutdown':
            waits.push(shutdown(next.millis))
            break
          case 'become':
            transport.become(next.mood)
            break
          case 'wait':
            if (next.turns === 4) await setTimeout(2)
            else for (let n = 0; n < next.turns; n += 1) await setImmediate()
        }
      }

      for (const next of steps) {
        await perform(next)
        expectBalance(pipeline.stats())
        expect(pipeline.stats().created).toBe(emitted)
      }
      transport.become('takes')
      waits.push(flush(Infinity))
      waits.push(shutdown(Infinity))
      await Promise.all(waits)

      const sends = transport.sends
      pipeline.write(scope, recordOf('too late', 9))
      await pipeline.forceFlush(Infinity)
      await setTimeout(1)
      expect(transport.sends).toBe(sends)
      const stats = pipeline.stats()
      expectBalance(stats)
      expect(stats).toMatchObject({ created: emitted + 1, queued: 0, inFlight: 0, bytes: 0 })
      expect(stats.delivered).toBe(transport.taken.length)
      expect(stats.rejected + (stats.dropped['export_failed'] ?? 0)).toBe(transport.refused.length)
      const all = [...transport.taken, ...transport.refused]
      expect(new Set(all).size).toBe(all.length)
      expect(stats.dropped.shutdown).toBe(emitted - all.length + 1)
    }),
    { numRuns: 300 },
  )
})
