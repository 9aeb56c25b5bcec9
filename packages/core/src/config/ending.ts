import { LogbridgeError, type OptionRule, rules } from '@logbridge/bridge'
import { shutdownSignalsRule } from '@logbridge/bridge/internal'
import type { ShutdownOptions } from './options.ts'

/** Milliseconds that `forceFlush` waits at most by default: `exportTimeoutMillis` of the specification. */
export const FLUSH_TIMEOUT_MILLIS = 30_000

/** The rules of `EndingOptions`, for `checkOptionsAt`. */
export const shutdownRules: Readonly<Record<keyof ShutdownOptions, OptionRule>> = {
  shutdownSignals: shutdownSignalsRule,
  captureUncaughtExceptions: rules.boolean,
  flushOnExit: rules.boolean,
}

/** @throws LogbridgeError `INVALID_OPTION` where an option asks for what this process may not do */
export function checkEnding({ flushOnExit }: ShutdownOptions): void {
  const { permission } = process as { permission?: { has(scope: string): boolean } }
  if (!flushOnExit || permission === undefined || permission.has('worker')) return
  throw new LogbridgeError(
    'INVALID_OPTION',
    '@logbridge/core: option flushOnExit needs a worker thread, which the permission model denies: start node with ' +
      '--allow-worker, or leave the option out and call shutdown() before the process exits',
  )
}
