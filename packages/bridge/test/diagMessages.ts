import { diag } from '@opentelemetry/api'
import { afterEach, beforeEach, vi } from 'vitest'
import { state } from '../src/state.ts'

/** Captures the messages of OpenTelemetry's diag logger in the current test, which starts without logged warnings. */
export function diagMessages(): string[] {
  const messages: string[] = []
  const keep = (message: string): void => void messages.push(message)
  beforeEach(() => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    messages.length = 0
    state.lastWarned.clear()
    diag.setLogger(
      { error: keep, warn: keep, info: keep, debug: keep, verbose: keep },
      { suppressOverrideMessage: true },
    )
    messages.length = 0
  })
  afterEach(() => void vi.restoreAllMocks())
  return messages
}
