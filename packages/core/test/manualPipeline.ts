import { setImmediate as turn } from 'node:timers/promises'
import { isLoggingSuppressed } from '@logbridge/bridge/internal'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { onTestFinished, vi } from 'vitest'
import { resolveLogs } from '../src/config/config.ts'
import type { RetryingTransport } from '../src/transport/retry.ts'
import type { ExportOutcome } from '../src/transport/transport.ts'
import { type EncodedScope, encodeResource, encodeScope } from '../src/otlp/openBatch.ts'
import type { EncodableRecord } from '../src/otlp/recordEncoder.ts'
import { LogPipeline } from '../src/logs/pipeline.ts'

export const scope: EncodedScope = encodeScope({ name: 'orders' }, encodeResource(resourceFromAttributes({})))
export const delivered: ExportOutcome = { kind: 'delivered', rejected: 0 }

/** Mock of a transport that keeps requests until the test answers them. */
export class ManualTransport implements RetryingTransport {
  readonly requests: Uint8Array[] = []
  readonly exporting: boolean[] = []
  closed = false
  wakes = 0
  private waiters: (() => void)[] = []
  private readonly answers: ((outcome: ExportOutcome) => void)[] = []

  send(request: Uint8Array, signal: AbortSignal): Promise<ExportOutcome> {
    this.requests.push(request)
    this.exporting.push(isLoggingSuppressed())
    for (const wake of this.waiters.splice(0)) wake()
    return new Promise((resolve) => {
      this.answers.push(resolve)
      signal.addEventListener('abort', () => resolve({ kind: 'retryable', reason: 'aborted' }))
    })
  }
  resetBackoff(): void {
    this.wakes += 1
  }
  abandon(): void {}

  close(): void {
    this.closed = true
  }
  answer(outcome: ExportOutcome = delivered): void {
    this.answers.shift()!(outcome)
  }
  async arrived(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => this.waiters.push(resolve))
  }
}

export function recordOf(body: unknown, severityNumber: number): EncodableRecord {
  return {
    timestamp: [1, 2],
    observedTimestamp: [1, 2],
    severityNumber,
    severityText: undefined,
    body,
    attributes: undefined,
    droppedAttributesCount: 0,
    eventName: undefined,
    spanContext: undefined,
  }
}

export function start(options: Parameters<typeof resolveLogs>[0] = {}): {
  transport: ManualTransport
  pipeline: LogPipeline
  write: (body: unknown, severityNumber?: number, of?: EncodedScope) => void
} {
  const transport = new ManualTransport()
  const pipeline = new LogPipeline(resolveLogs(options, {}), transport)
  return {
    transport,
    pipeline,
    write: (body, severityNumber = 9, of = scope) => pipeline.write(of, recordOf(body, severityNumber)),
  }
}

/** Lets 10 ms pass between two looks at the clock, so that each piece of work takes all the time of its turn of the event loop. */
export function slowClock(): void {
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 10))
  onTestFinished(() => clock.mockRestore())
}

/** Lets the event loop turn until a count has reached a number. Returns its growth in each turn in which the count grew. */
export async function countInTurns(number: number, count: () => number): Promise<number[]> {
  const growth: number[] = []
  let before = count()
  while (before < number) {
    await turn()
    const after = count()
    if (after > before) growth.push(after - before)
    before = after
  }
  return growth
}
