import { vi } from 'vitest'

interface FakeClock {
  jump(millis: number): void
}

/** Has fake timers go on as after a blocked event loop: each that is due fires once, late. */
export function blockEventLoop(millis: number): void {
  const { clock } = setInterval as unknown as { clock: FakeClock }
  clock.jump(millis)
}

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
