import assert from 'node:assert/strict'
import type { BridgeOptions, LoggerProvider } from '../types.ts'
import type { Backend, ConformanceRecord, Subject, SubjectLogger } from './types.ts'

/** Check of one behavior. Rejects when the adapter lacks the behavior. */
export type Check = (harness: Harness) => Promise<void>

/** Tools of the checks. */
export interface Harness {
  readonly subject: Subject
  /** An informational level of the library. */
  readonly info: string
  readonly loggerProvider: LoggerProvider
  /** Opens a logger on the backend's provider. The logger is closed at the end of the test. */
  open(options?: BridgeOptions): Promise<SubjectLogger>
  /** Returns the records that have arrived since the last call. */
  records(): Promise<ConformanceRecord[]>
  /** Returns the only record that has arrived since the last call. */
  record(): Promise<ConformanceRecord>
  stop(): Promise<void>
}

/** @throws Error when the subject has no level of severity 9 (INFO) */
export async function createHarness(subject: Subject, backend: Backend): Promise<Harness> {
  const info = Object.keys(subject.levels).find((level) => subject.levels[level] === 9)
  if (info === undefined) throw new Error(`subject ${subject.library}: levels needs one of severity 9`)
  const session = await backend.start()
  const opened: SubjectLogger[] = []

  async function records(): Promise<ConformanceRecord[]> {
    for (const logger of opened) await logger.flush?.()
    return session.records()
  }

  return {
    subject,
    info,
    loggerProvider: session.loggerProvider,
    async open(options) {
      const logger = await subject.create({ loggerProvider: session.loggerProvider, ...options })
      opened.push(logger)
      return logger
    },
    records,
    async record() {
      const arrived = await records()
      assert.equal(arrived.length, 1, `one record must arrive, not ${arrived.length}`)
      return arrived[0]!
    },
    async stop() {
      for (const logger of opened) await logger.close()
      await session.stop()
    },
  }
}

/**
 * Asserts that a value arrived as expected, as far as the backend can express the value: an integer may arrive as bigint, or
 * beyond the safe integers as decimal string; bytes may arrive in any view.
 */
export function assertSame(actual: unknown, expected: unknown, description: string): void {
  assert.deepEqual(comparable(actual), comparable(expected), description)
}

function comparable(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  // The sign of a zero is not compared.
  if (value === 0) return 0
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return { bytes: [...value] }
  if (Array.isArray(value)) return value.map(comparable)
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, comparable(field)]))
}
