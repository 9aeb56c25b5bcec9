import {
  bridgeOptionRules,
  type BridgeOptions,
  type OptionRule,
  rules,
  type SeverityNumber,
} from '@logbridge/bridge'
import type { TraceFieldNames } from '@logbridge/bridge/internal'
import { type ConsoleMethod, severities } from './severity.ts'

/** Options of `bridgeConsole`: the options of every adapter but `flushTimeoutMillis`, because a console has no end. */
export interface BridgeConsoleOptions extends Omit<BridgeOptions, 'flushTimeoutMillis'> {
  /**
   * Console to bridge.
   * @default globalThis.console
   */
  console?: Console | undefined
  /**
   * Least severe method whose calls are sent: `warn` leaves out calls below severity number 13.
   * @default every method
   */
  level?: ConsoleMethod | undefined
  /** Severity numbers (1-24) of methods, in place of those of the mapping table. */
  severity?: Readonly<Partial<Record<ConsoleMethod, SeverityNumber>>> | undefined
  /**
   * Prints the active span in front of the text of `debug`, `log`, `info`, `warn`, and `error`: `trace_id=… span_id=… trace_flags=01`.
   * `true`, or other names.
   * @default false
   */
  traceContext?: boolean | TraceFieldNames | undefined
}

const { flushTimeoutMillis: _, ...commonRules } = bridgeOptionRules
export const optionRules: Readonly<Record<keyof BridgeConsoleOptions, OptionRule>> = {
  ...commonRules,
  console: {
    accepts: 'a console',
    test: (value) => typeof (value as Partial<Console> | null)?.log === 'function',
  },
  traceContext: {
    accepts: 'true, false, or an object of names',
    test: (value) => typeof value === 'boolean' || rules.object.test(value),
  },
  severity: {
    accepts: 'an object of console methods and severity numbers from 1 to 24',
    test: (value) =>
      rules.severityTable.test(value) &&
      Object.keys(value as object).every((name) => Object.hasOwn(severities, name)),
  },
}
