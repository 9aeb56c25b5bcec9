import { textOf } from '@logbridge/bridge/internal'

/**
 * Reads a field that should be text, because a caller in JavaScript may pass any value.
 *
 * @returns `undefined` for an absent field and for a value that throws when it is read
 */
export function resolveText(value: unknown): string | undefined {
  if (value === undefined || value === null || typeof value === 'string') return value ?? undefined
  try {
    return textOf(value)
  } catch {
    return undefined
  }
}
