import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { registeredDiagLogger } from './api.ts'
import { whileExporting } from './exporting.ts'
import { reason } from './read.ts'
import { state } from './state.ts'

/** `announce`, once for each `kind`. */
export function diagnose(kind: string, message: string, error?: unknown): void {
  if (state.diagnosed.has(kind)) return
  state.diagnosed.add(kind)
  announce(message, error)
}

/**
 * Says that something is wrong, to OpenTelemetry's diag logger and to stderr. It counts as caused by an export, so that a diag
 * logger which is itself bridged cannot feed on it. Never throws. The caller sees to it that it is not said too often.
 */
export function announce(message: string, error?: unknown): void {
  const text = error === undefined ? message : `${message}: ${reason(error)}`
  whileExporting(() => say(text))
}

function say(text: string): void {
  try {
    registeredDiagLogger()?.warn(`logbridge: ${text}`)
  } catch {
    // A diag logger that fails has no one left to tell.
  }
  try {
    // A worker's process.stderr goes through the main thread, which takes nothing more once the process is ending.
    if (isMainThread) process.stderr.write(`logbridge: ${text}\n`)
    else writeSync(2, `logbridge: ${text}\n`)
  } catch {
    // Nor has a closed stderr.
  }
}
