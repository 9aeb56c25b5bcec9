import {
  type Adapter,
  type Bridge,
  bridgeOptionRules,
  type BridgeOptions,
  checkOptions,
  createBridge,
  namedSeverity,
  type SeverityNumber,
  unknownLevel,
} from '@logbridge/bridge'
import { ROOT_CONTEXT } from '@logbridge/bridge/internal'
import type { ParsedRecord } from './types.ts'

/** Options of the bridge that a line can obey. `severity` is an option of the lines. */
export type LineBridgeOptions = Omit<BridgeOptions, 'captureCode' | 'captureTemplate' | 'severity'>

const {
  captureCode: _captureCode,
  captureTemplate: _captureTemplate,
  severity: _severity,
  ...lineBridgeRules
} = bridgeOptionRules

const adapter: Adapter<ParsedRecord> = {
  library: '@logbridge/pipe',
  classify: (record) => record,
  // The context of this process is not that of the line.
  convert(record) {
    record.context ??= ROOT_CONTEXT
    return record
  },
}

/**
 * Creates the bridge that sends parsed records to a LoggerProvider, with the options that every adapter has.
 *
 * @throws LogbridgeError `INVALID_OPTION`
 * @example
 * ```ts
 * const bridge = createLineBridge({ loggerProvider, redact: ['user.password'] })
 * const reader = createLineReader({ onRecord: (record) => bridge.emit(record) })
 * ```
 */
export function createLineBridge(options: LineBridgeOptions = {}): Bridge<ParsedRecord> {
  checkOptions('@logbridge/pipe', options, lineBridgeRules)
  return createBridge(adapter, options, minimumOf(options.level))
}

function minimumOf(level: string | number | undefined): SeverityNumber {
  if (level === undefined) return 0
  const number = typeof level === 'string' ? namedSeverity(level) : 0
  if (number === 0) throw unknownLevel('pipe', level, ['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
  return number
}
