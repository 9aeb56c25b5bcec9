import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import {
  type Context,
  context,
  type ContextManager,
  createContextKey,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api'
import type { Check } from './harness.ts'
import type { ConformanceRecord } from './types.ts'

export type ContextBehavior =
  | 'context.span'
  | 'context.notSampled'
  | 'context.none'
  | 'context.fields'
  | 'context.await'
  | 'context.timer'
  | 'context.stream'
  | 'context.interleaved'

const FIRST: SpanContext = spanContext('1')
const SECOND: SpanContext = spanContext('2')

/** Checks of the trace that a record belongs to. */
export const contextChecks: Readonly<Record<ContextBehavior, Check>> = {
  async 'context.span'({ open, record, info }) {
    const logger = await open()
    inSpan(FIRST, () => logger.log(info, 'in a span'))
    assertSpan(await record(), FIRST)
  },

  async 'context.notSampled'({ open, record, info }) {
    const logger = await open()
    const notSampled = { ...FIRST, traceFlags: 0 }
    inSpan(notSampled, () => logger.log(info, 'in a span that is not sampled'))
    assertSpan(await record(), notSampled)
  },

  async 'context.none'({ open, record, info }) {
    const logger = await open()
    inSpan(FIRST, () => logger.log(info, 'in a span'))
    assertSpan(await record(), FIRST)
    logger.log(info, 'in no span')
    const { traceId, spanId } = await record()
    assert.ok(!traceId && !spanId, `there is no span, but trace ${traceId}, span ${spanId} arrived`)
  },

  async 'context.fields'({ open, record, info }) {
    const logger = await open()
    // The official instrumentations of winston, pino, and bunyan write these fields.
    const { traceId, spanId } = FIRST
    inSpan(FIRST, () =>
      logger.log(info, 'in a span', { trace_id: traceId, span_id: spanId, trace_flags: '01' }),
    )
    const first = await record()
    assertSpan(first, FIRST)
    const ids = ['trace_id', 'span_id', 'trace_flags'].filter((key) => key in first.attributes)
    assert.deepEqual(ids, [], "the ids of the record's own span are no attributes as well")
    const other = { trace_id: SECOND.traceId, span_id: SECOND.spanId }
    inSpan(FIRST, () => logger.log(info, 'of another span', other))
    const { attributes } = await record()
    assert.equal(attributes['trace_id'], SECOND.traceId)
    assert.equal(attributes['span_id'], SECOND.spanId)
  },

  async 'context.await'({ open, record, info }) {
    const logger = await open()
    await inSpan(FIRST, async () => {
      await Promise.resolve()
      await setImmediate()
      logger.log(info, 'after an await')
    })
    assertSpan(await record(), FIRST)
  },

  async 'context.timer'({ open, record, info }) {
    const logger = await open()
    const logged = inSpan(FIRST, () => setTimeout(1).then(() => logger.log(info, 'in a timer')))
    await logged
    assertSpan(await record(), FIRST)
  },

  async 'context.stream'({ open, records, info }) {
    const logger = await open()
    const logging = new Writable({
      objectMode: true,
      write(chunk: string, _encoding, done) {
        logger.log(info, chunk)
        done()
      },
    })
    await inSpan(FIRST, () => pipeline(Readable.from(['in a stream', 'and once more']), logging))
    const arrived = await records()
    assert.equal(arrived.length, 2)
    for (const record of arrived) assertSpan(record, FIRST)
  },

  async 'context.interleaved'({ open, records, info }) {
    const logger = await open()
    const task = async (name: string) => {
      for (let step = 0; step < 3; step += 1) {
        logger.log(info, name)
        await setImmediate()
      }
    }
    await Promise.all([inSpan(FIRST, () => task('first')), inSpan(SECOND, () => task('second'))])
    const arrived = await records()
    assert.equal(arrived.length, 6)
    for (const record of arrived) assertSpan(record, record.body === 'first' ? FIRST : SECOND)
  },
}

/** Runs code in a span. */
export function inSpan<T>(span: SpanContext, run: () => T): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, span), run)
}

export function spanContext(digit: string): SpanContext {
  return { traceId: digit.repeat(32), spanId: digit.repeat(16), traceFlags: 1 }
}

export function assertSpan(record: ConformanceRecord, span: SpanContext): void {
  assert.equal(record.traceId, span.traceId)
  assert.equal(record.spanId, span.spanId)
  assert.equal(record.flags, span.traceFlags)
}

/** Registers a ContextManager where the process has none, because no context is active without a ContextManager. */
export function provideContextManager(): void {
  const key = createContextKey('logbridge conformance')
  const works = context.with(ROOT_CONTEXT.setValue(key, true), () => context.active().getValue(key) === true)
  if (!works) context.setGlobalContextManager(createContextManager())
}

function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) => storage.run(active, () => run.apply(self, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  return manager
}
