import { type OptionRule, rules } from '@logbridge/bridge'
import type { EndingOptions } from './options.ts'

/** Signals that end a process which does not handle them. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGBREAK']

/** The rules of `EndingOptions`, for `checkOptionsAt`. */
export const endingRules: Readonly<Record<keyof EndingOptions, OptionRule>> = {
  shutdownSignals: {
    accepts: `an array of ${SIGNALS.join(', ')}`,
    test: (value) => Array.isArray(value) && value.every((signal) => SIGNALS.includes(signal)),
  },
  captureUncaughtExceptions: rules.boolean,
}
