/**
 * Tests of the mapping that every adapter must produce, for any adapter, test runner and LoggerProvider.
 *
 * ```ts
 * import { test } from 'node:test'
 * import { conformance } from '@logbridge/bridge/conformance'
 * import { subject } from './subject.ts'
 *
 * conformance(test, subject)
 * ```
 */
import { type ContextBehavior, contextChecks, provideContextManager } from './conformance/context.ts'
import { type ErrorBehavior, errorChecks } from './conformance/errors.ts'
import { type FaultBehavior, faultChecks } from './conformance/faults.ts'
import { type Check, createHarness } from './conformance/harness.ts'
import { memoryBackend } from './conformance/memory.ts'
import { type OptionBehavior, optionChecks } from './conformance/options.ts'
import { type RecordBehavior, recordChecks } from './conformance/records.ts'
import { type ValueBehavior, valueChecks } from './conformance/values.ts'
import type { Backend, Subject } from './conformance/types.ts'

export { memoryBackend } from './conformance/memory.ts'
export type {
  Backend,
  BackendSession,
  ConformanceRecord,
  Subject,
  SubjectLogger,
} from './conformance/types.ts'

/** Name of a test of the suite, by which a subject declares a behavior that its library cannot have. */
export type Behavior =
  | RecordBehavior
  | ValueBehavior
  | ErrorBehavior
  | ContextBehavior
  | FaultBehavior
  | OptionBehavior

/** `test` of a test runner; vitest's and `node:test`'s both fit. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

const checks: Readonly<Record<Behavior, Check>> = {
  ...recordChecks,
  ...valueChecks,
  ...errorChecks,
  ...contextChecks,
  ...faultChecks,
  ...optionChecks,
}

/**
 * Registers one test for each behavior. A behavior that the subject or the backend declares unsupported is tested as well, and
 * must fail: an outdated declaration fails its test.
 *
 * The suite registers a ContextManager when there is none, and one test removes the registered LoggerProviders from the process
 * and restores them. So do not run the suite in parallel with other tests of the same process.
 *
 * @param test the test runner's function
 * @param subject the adapter under test
 * @param backend the receiver of the records; default: an in-memory LoggerProvider
 */
export function conformance(test: TestFunction, subject: Subject, backend: Backend = memoryBackend): void {
  const unsupported: Partial<Record<string, string>> = { ...subject.unsupported, ...backend.unsupported }
  for (const [behavior, check] of Object.entries(checks)) {
    const reason = unsupported[behavior]
    const name = `${subject.name ?? subject.library} to ${backend.name}: ${behavior}`
    test(reason === undefined ? name : `${name} (unsupported: ${reason})`, async () => {
      provideContextManager()
      const harness = await createHarness(subject, backend)
      try {
        if (reason === undefined) await check(harness)
        else await mustFail(behavior, () => check(harness))
      } finally {
        await harness.stop()
      }
    })
  }
}

async function mustFail(behavior: string, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch {
    return
  }
  throw new Error(`'${behavior}' is declared unsupported but passes: remove the declaration`)
}
