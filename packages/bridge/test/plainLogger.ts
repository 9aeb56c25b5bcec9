import { format } from 'node:util'
import { bridgeOptionRules, checkOptions, copyFields, createBridge, isError } from '../src/index.ts'
import { severityTable, unknownLevel } from '../src/severity.ts'
import type { Adapter, BridgeOptions, SeverityNumber } from '../src/types.ts'

/** Record of the smallest logging library there could be. Its adapter below shows what a sixth adapter looks like. */
export interface PlainRecord {
  level: string
  message: unknown
  parameters: unknown[]
  fields: Record<string, unknown>
}

export interface PlainLogger {
  log(level: string, message: unknown, fields?: Record<string, unknown>, ...parameters: unknown[]): void
}

const plainLevels: Readonly<Record<string, SeverityNumber>> = { low: 5, middle: 9, high: 17, own: 12 }

export function createPlainLogger(options: BridgeOptions): PlainLogger {
  checkOptions('plain', options, bridgeOptionRules)
  const severities = severityTable(plainLevels, options.severity)
  const adapter: Adapter<PlainRecord> = {
    library: 'plain',
    classify: ({ level }) => ({ severityNumber: severities.get(level) ?? 0, severityText: level }),
    convert({ message, parameters, fields }) {
      const attributes = copyFields(fields)
      const exception = [message, fields['error']].find(isError)
      return {
        body: isError(message) ? message.message : format(message, ...parameters),
        attributes,
        exception,
        template: { template: String(message), parameters },
      }
    },
  }
  const { level } = options
  const minimum = level === undefined ? 0 : severities.get(String(level))
  if (minimum === undefined) throw unknownLevel('plain', level, severities.keys())
  const bridge = createBridge(adapter, options, minimum)
  return {
    log(level, message, fields = {}, ...parameters) {
      bridge.emit({ level, message, fields, parameters })
    },
  }
}
