import { diag, DiagLogLevel } from '@opentelemetry/api'
import { afterEach, beforeEach, vi } from 'vitest'

/**
 * Captures the warnings of logbridge during each test of a file, without their prefix.
 *
 * @returns the warnings of the running test; a warning that is logged once is logged once in each test
 */
export function capturedWarnings(): string[] {
  const warnings: string[] = []
  beforeEach(() => {
    warnings.length = 0
    forgetLoggedWarnings()
    const warn = (message: string): void => {
      if (message.startsWith('logbridge: ')) warnings.push(message.slice('logbridge: '.length))
    }
    const ignore = (): void => {}
    const logger = { warn, error: ignore, info: ignore, debug: ignore, verbose: ignore }
    diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  })
  afterEach(() => {
    diag.disable()
    vi.restoreAllMocks()
  })
  return warnings
}

/** Forgets logged warnings, so that a warning that is logged once is logged again. */
export function forgetLoggedWarnings(): void {
  const state = (globalThis as Record<symbol, { lastWarned: Map<string, number> } | undefined>)[
    Symbol.for('logbridge.state.1')
  ]
  state?.lastWarned.clear()
}
