import { ACCEPTS_ANY_VALUE } from '../src/provider.ts'
import type { ApiLogRecord, LoggerProvider } from '../src/types.ts'

export interface Emitted extends ApiLogRecord {
  scope: string
}

export interface MemoryProvider extends LoggerProvider {
  readonly records: Emitted[]
  /** Names that `getLogger` was asked for, in order. */
  readonly asked: string[]
}

/** The smallest LoggerProvider there can be: keeps what it is given. */
export function memoryProvider(hooks: { emit?: () => void; enabled?: () => boolean } = {}): MemoryProvider {
  const records: Emitted[] = []
  const asked: string[] = []
  return {
    records,
    asked,
    getLogger(scope) {
      asked.push(scope)
      return {
        emit(record) {
          records.push({ scope, ...record })
          hooks.emit?.()
        },
        ...(hooks.enabled && { enabled: hooks.enabled }),
      }
    },
  }
}

/** Makes a memory provider that accepts any value, like the provider of `@logbridge/core`. */
export function anyValueProvider(): MemoryProvider {
  return Object.assign(memoryProvider(), { [ACCEPTS_ANY_VALUE]: true })
}
