import { vi } from 'vitest'

/**
 * Fakes timers as `vi.useFakeTimers` does, ours included: they are Node's own ones whatever the globals are.
 * @param timers those of the copy of `@logbridge/bridge` that is tested
 */
export function useFakeTimers(timers: object, options?: Parameters<typeof vi.useFakeTimers>[0]): void {
  vi.useFakeTimers(options)
  for (const name of Object.keys(timers)) {
    const fake = (...args: unknown[]): unknown =>
      (globalThis as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args)
    vi.spyOn(timers as Record<string, () => void>, name).mockImplementation(fake)
  }
}
