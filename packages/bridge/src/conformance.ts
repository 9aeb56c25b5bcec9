/**
 * The mapping contract as tests: what every adapter must produce, for any adapter, test runner and LoggerProvider.
 *
 * ```ts
 * import { test } from 'node:test'
 * import { conformance } from '@logbridge/bridge/conformance'
 * import { subject } from './subject.ts'
 *
 * conformance(test, subject)
 * ```
 */
import { type ContextBehaviour, contextChecks, provideContextManager } from './conformance/context.ts'
import { type ErrorBehaviour, errorChecks } from './conformance/errors.ts'
import { type FaultBehaviour, faultChecks } from './conformance/faults.ts'
import { type Check, createHarness } from './conformance/harness.ts'
import { memoryBackend } from './conformance/memory.ts'
import { type OptionBehaviour, optionChecks } from './conformance/options.ts'
import { type RecordBehaviour, recordChecks } from './conformance/records.ts'
import { type ValueBehaviour, valueChecks } from './conformance/values.ts'
import type { Backend, Subject } from './conformance/types.ts'

export { memoryBackend } from './conformance/memory.ts'
export type {
  Backend,
  BackendSession,
  ConformanceRecord,
  Subject,
  SubjectLogger,
} from './conformance/types.ts'

/** A behaviour of the suite: the key by which a subject declares what its library cannot do. */
export type Behaviour =
  | RecordBehaviour
  | ValueBehaviour
  | ErrorBehaviour
  | ContextBehaviour
  | FaultBehaviour
  | OptionBehaviour

/** What a test runner's `test` must do; vitest's and `node:test`'s both fit. */
export type TestFunction = (name: string, run: () => Promise<void>) => unknown

const checks: Readonly<Record<Behaviour, Check>> = {
  ...recordChecks,
  ...valueChecks,
  ...errorChecks,
  ...contextChecks,
  ...faultChecks,
  ...optionChecks,
}

/**
 * Registers one test for each behaviour. What the subject or the backend declares unsupported is run as well, and
 * must fail: a declaration that is no longer true is an error of its own.
 *
 * The suite registers a ContextManager when there is none, and for one test takes the registered LoggerProviders out of
 * the process and puts them back: do not run it in parallel with other tests of the same process.
 *
 * @param test the test runner's function
 * @param subject the adapter under test
 * @param backend where records go; default: an in-memory LoggerProvider
 */
export function conformance(test: TestFunction, subject: Subject, backend: Backend = memoryBackend): void {
  const unsupported: Partial<Record<string, string>> = { ...subject.unsupported, ...backend.unsupported }
  for (const [behaviour, check] of Object.entries(checks)) {
    const reason = unsupported[behaviour]
    const name = `${subject.name ?? subject.library} to ${backend.name}: ${behaviour}`
    test(reason === undefined ? name : `${name} (unsupported: ${reason})`, async () => {
      provideContextManager()
      const harness = await createHarness(subject, backend)
      try {
        if (reason === undefined) await check(harness)
        else await mustFail(behaviour, () => check(harness))
      } finally {
        await harness.stop()
      }
    })
  }
}

async function mustFail(behaviour: string, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch {
    return
  }
  throw new Error(`'${behaviour}' is declared unsupported, but works: remove the declaration`)
}
