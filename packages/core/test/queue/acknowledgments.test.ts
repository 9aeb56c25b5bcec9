import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import { expect, onTestFinished, test } from 'vitest'
import { delivered, start } from '../manualPipeline.ts'

capturedWarnings()

/** Returns the state of a promise after the turns that a pipeline takes. */
async function stateOf(promise: Promise<boolean>): Promise<boolean | 'waits'> {
  for (let i = 0; i < 10; i += 1) await turn()
  return Promise.race([promise, Promise.resolve('waits' as const)])
}

test('LogPipeline.acknowledged resolves when every record before the call has its answer, and waits for none after', async () => {
  const { transport, pipeline, write } = start({ maxExportBatchSize: 1 })
  write('a')
  write('b')
  const acknowledged = pipeline.acknowledged()
  write('c')
  await transport.arrived(3)
  transport.answer()
  expect(await stateOf(acknowledged)).toBe('waits')
  transport.answer({ kind: 'failed', reason: 'refused' })
  expect(await stateOf(acknowledged)).toBe(true)
  expect(await stateOf(pipeline.acknowledged())).toBe('waits')
  transport.answer(delivered)
  expect(await stateOf(pipeline.acknowledged())).toBe(true)
})

test('LogPipeline.acknowledged waits for the open batch when records are in it', async () => {
  const { transport, pipeline, write } = start({ scheduledDelayMillis: 2 ** 30 })
  write('a')
  const acknowledged = pipeline.acknowledged()
  expect(await stateOf(acknowledged)).toBe('waits')
  const flushed = pipeline.forceFlush()
  await transport.arrived(1)
  expect(await stateOf(acknowledged)).toBe('waits')
  transport.answer()
  await flushed
  expect(await stateOf(acknowledged)).toBe(true)
})

test('LogPipeline.acknowledged resolves with false when the shutdown leaves records unsent', async () => {
  const { pipeline, write } = start({ maxExportBatchSize: 1 })
  write('a')
  const acknowledged = pipeline.acknowledged()
  await pipeline.shutdown(0)
  expect(await acknowledged).toBe(false)
  expect(await pipeline.acknowledged()).toBe(false)
})

test('LogPipeline.acknowledged resolves without an answer when the spool holds the records', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'logbridge-acknowledged-'))
  const { pipeline, write } = start({ spool: { directory } })
  onTestFinished(async () => {
    await pipeline.shutdown(0)
    await rm(directory, { recursive: true })
  })
  write('a')
  expect(await pipeline.acknowledged()).toBe(true)
  expect(pipeline.stats()).toMatchObject({ delivered: 0, spooled: 1 })
  expect(existsSync(directory)).toBe(true)
})
