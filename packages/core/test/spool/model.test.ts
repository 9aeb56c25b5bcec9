import { mkdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Spool, SpoolEntry } from '../../src/spool/types.ts'
import { capturedWarnings } from '@logbridge/test-support/capturedWarnings'
import {
  recover,
  afterKill,
  appendSync,
  bytesOnDisk,
  filesIn,
  found,
  newDirectory,
  sorted,
  spoolAt,
  texts,
} from './spoolDirectory.ts'

const warnings = capturedWarnings()
const MAX_BYTES = 4000

type Step =
  | { readonly do: 'append'; readonly sizes: readonly number[]; readonly wait: boolean }
  | { readonly do: 'appendSync'; readonly size: number }
  | { readonly do: 'ack' | 'read'; readonly pick: number }
  | { readonly do: 'recover' | 'kill' | 'close' | 'closeSync' }

const size = fc.nat({ max: 300 })
const pick = fc.nat()
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 6 }),
      wait: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('appendSync' as const), size }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('ack' as const, 'read' as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('recover', 'kill', 'close', 'closeSync'),
    }) as fc.Arbitrary<Step>,
  },
)

/** Spool with the entries that it must have. */
class Model {
  directory: string = newDirectory()
  spool: Spool = spoolAt(this.directory, { maxBytes: MAX_BYTES })
  /** Appended and unacknowledged entries. */
  readonly pendingEntries = new Map<SpoolEntry, string>()
  /** Acknowledged entries that may return after a kill, because their acks may not be on disk. */
  readonly acked = new Set<string>()
  private pending: Promise<void>[] = []
  private number = 0

  constructor() {
    mkdirSync(this.directory)
  }

  async run(step: Step): Promise<void> {
    const { spool } = this
    switch (step.do) {
      case 'append': {
        const appends = step.sizes.map(async (size) => {
          const text = this.text(size)
          this.keep(await spool.append(Buffer.from(text), 1), text)
        })
        this.pending.push(...appends)
        if (step.wait) await this.quiet()
        return
      }
      case 'appendSync': {
        const text = this.text(step.size)
        return this.keep(appendSync(spool, Buffer.from(text)), text)
      }
      case 'ack': {
        const entry = this.pick(step.pick)
        if (entry === undefined) return
        this.acked.add(this.pendingEntries.get(entry)!)
        this.pendingEntries.delete(entry)
        return spool.ack(entry)
      }
      case 'read': {
        const entry = this.pick(step.pick)
        if (entry) expect(await texts(spool, [entry])).toEqual([this.pendingEntries.get(entry)])
        return
      }
      case 'recover':
        expect(await recover(spool)).toEqual([])
        return
      case 'kill':
        await this.quiet()
        return this.startNext(afterKill(this.directory), true)
      case 'close':
        await spool.close()
        await this.quiet()
        return this.startNext(this.directory, false)
      case 'closeSync':
        await this.quiet()
        spool.closeSync()
        return this.startNext(this.directory, false)
    }
  }

  /** Starts the next process, which recovers each pending entry once, and acknowledged entries after a kill only. */
  private async startNext(directory: string, killed: boolean): Promise<void> {
    const expected = [...this.pendingEntries.values()]
    if (killed) await this.spool.close()
    this.pendingEntries.clear()
    this.directory = directory
    this.spool = spoolAt(directory, { maxBytes: MAX_BYTES })
    const entries = await recover(this.spool)
    const contents = await texts(this.spool, entries)
    expect(new Set(contents).size).toBe(contents.length)
    expect(contents).toEqual(expect.arrayContaining(expected))
    entries.forEach((entry, index) => {
      const text = contents[index]!
      if (!expected.includes(text)) expect(killed && this.acked.has(text)).toBe(true)
      this.pendingEntries.set(entry, text)
    })
    this.acked.clear()
  }

  async end(): Promise<void> {
    await this.quiet()
    await this.spool.close()
    expect(sorted(await found(this.directory))).toEqual(sorted([...this.pendingEntries.values()]))
    const last = spoolAt(this.directory)
    for (const entry of await recover(last)) last.ack(entry)
    await last.close()
    // The empty directory of a killed process stays for a minute.
    expect(filesIn(this.directory)).toEqual([])
    expect(last.bytes).toBe(0)
  }

  check(): void {
    expect(this.spool.bytes).toBeLessThanOrEqual(MAX_BYTES)
    expect(bytesOnDisk(this.directory)).toBeLessThanOrEqual(MAX_BYTES)
  }

  private async quiet(): Promise<void> {
    await Promise.all(this.pending)
    this.pending = []
  }

  private text(size: number): string {
    this.number += 1
    return `${this.number}:${'x'.repeat(size)}`
  }

  private keep(entry: SpoolEntry | undefined, text: string): void {
    if (entry === undefined) return
    expect(entry).toMatchObject({ count: 1, bytes: text.length })
    this.pendingEntries.set(entry, text)
  }

  private pick(number: number): SpoolEntry | undefined {
    return [...this.pendingEntries.keys()][number % this.pendingEntries.size]
  }
}

test('Spool has each appended and unacknowledged entry once, within maxBytes, after operations in any order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const model = new Model()
      for (const each of steps) {
        await model.run(each)
        model.check()
      }
      await model.end()
    }),
    { numRuns: 200 },
  )
  expect(warnings.filter((text) => !text.includes('is full'))).toEqual([])
}, 120_000)
