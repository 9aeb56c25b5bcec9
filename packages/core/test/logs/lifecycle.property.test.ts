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

/** Answer of the receiver to a request. `silent` answers after the next change. */
type Behavior = 'accepts' | 'unreachable' | 'silent' | 'refuses' | 'rejects one'

/** Mock of a transport whose receiver behaves as set, and identifies each record by its number. */
class BehavingTransport implements Transport {
  readonly accepted: number[] = []
  readonly refused: number[] = []
  sends = 0
  private behavior: Behavior = 'accepts'
  private changed = Promise.withResolvers<void>()

  become(behavior: Behavior): void {
    this.behavior = behavior
    this.changed.resolve()
    this.changed = Promise.withResolvers()
  }

  async send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    this.sends += 1
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    while (this.behavior === 'silent' && !signal.aborted) await Promise.race([this.changed.promise, aborted])
    if (signal.aborted) return { kind: 'retryable', reason: 'aborted' }
    if (this.behavior === 'unreachable') return { kind: 'retryable', reason: 'unreachable' }
    const numbers = Array.from(
      Buffer.from(request)
        .toString('latin1')
        .matchAll(/#(\d+);/g),
      ([, n]) => Number(n),
    )
    if (this.behavior === 'refuses') {
      this.refused.push(...numbers)
      return { kind: 'failed', reason: 'refused' }
    }
    const rejected = this.behavior === 'rejects one' ? 1 : 0
    this.refused.push(...numbers.splice(0, rejected))
    this.accepted.push(...numbers)
    return { kind: 'delivered', rejected }
  }
  abandon(): void {}
  close(): void {}
}

type Step =
  | { do: 'emit'; count: number }
  | { do: 'flush' | 'shutdown'; millis: number }
  | { do: 'become'; behavior: Behavior }
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
      behavior: fc.constantFrom<Behavior>('accepts', 'unreachable', 'silent', 'refuses', 'rejects one'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), turns: fc.nat({ max: 4 }) }) },
)
const options = fc.record({
  maxExportBatchSize: fc.constantFrom(undefined, 1, 3),
  scheduledDelayMillis: fc.constantFrom(0, 1, 600_000),
})

test('LogPipeline balances its counters when emit, flush, and shutdown come in any order and the receiver behaves in any way', async () => {
  await fc.assert(
    fc.asyncProperty(options, fc.array(step, { maxLength: 30 }), async (given, steps) => {
      const transport = new BehavingTransport()
      const pipeline = new LogPipeline(
        resolveLogs(given, {}),
        createRetryingTransport(transport, () => 0.01),
      )
      const waits: Promise<unknown>[] = []
      let emitted = 0
      let late = 0
      let ending: Promise<void> | undefined
      let ended = false

      /** Expects each record that was emitted before a flush without deadline to be delivered, rejected, or dropped. */
      async function flush(timeoutMillis: number): Promise<void> {
        const before = emitted
        await pipeline.forceFlush(timeoutMillis)
        expectBalance(pipeline.stats())
        if (timeoutMillis !== Infinity) return
        const { delivered, rejected, dropped } = pipeline.stats()
        const droppedCount = Object.values(dropped).reduce((sum, count) => sum + count, 0)
        expect(delivered + rejected + droppedCount).toBeGreaterThanOrEqual(before)
        const received = new Set([...transport.accepted, ...transport.refused])
        // A shutdown may have dropped records at its deadline.
        if (ending === undefined) for (let n = 0; n < before; n += 1) expect(received).toContain(n)
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
            if (ending) late += next.count
            break
          case 'flush':
            waits.push(flush(next.millis))
            break
          case 'shutdown':
            waits.push(shutdown(next.millis))
            break
          case 'become':
            transport.become(next.behavior)
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
      transport.become('accepts')
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
      expect(stats.delivered).toBe(transport.accepted.length)
      expect(stats.rejected + (stats.dropped['export_failed'] ?? 0)).toBe(transport.refused.length)
      const all = [...transport.accepted, ...transport.refused]
      expect(new Set(all).size).toBe(all.length)
      expect(stats.dropped.already_shutdown).toBe(late + 1)
      expect(stats.dropped.shutdown_timeout ?? 0).toBe(emitted - all.length - late)
    }),
    { numRuns: 300 },
  )
})
