import { diag, DiagLogLevel } from '@opentelemetry/api'
import { afterEach, beforeEach, vi } from 'vitest'

/** What logbridge complains about during each test of a file; every complaint is made anew in each test. */
export function complaints(): string[] {
  const made: string[] = []
  beforeEach(() => {
    made.length = 0
    forgetComplaints()
    const warn = (message: string): void => {
      if (message.startsWith('logbridge: ')) made.push(message.slice('logbridge: '.length))
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
  return made
}

/** Has what was complained about be complained about anew. */
export function forgetComplaints(): void {
  const state = (globalThis as Record<symbol, { diagnosed: Map<string, number> } | undefined>)[
    Symbol.for('logbridge.state.1')
  ]
  state?.diagnosed.clear()
}
