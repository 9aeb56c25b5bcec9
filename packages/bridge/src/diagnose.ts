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
    if (isWorker()) process.getBuiltinModule('node:fs').writeSync(2, `logbridge: ${text}\n`)
    else process.stderr.write(`logbridge: ${text}\n`)
  } catch {
    // Nor has a closed stderr.
  }
}

/**
 * Asked for when there is something to say: to import node:fs and node:worker_threads loads 30 other modules of Node's, which
 * takes 10 ms. Node before 20.16 cannot tell.
 */
function isWorker(): boolean {
  const getBuiltinModule = process.getBuiltinModule as typeof process.getBuiltinModule | undefined
  return getBuiltinModule?.('node:worker_threads').isMainThread === false
}
