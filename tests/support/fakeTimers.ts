import { vi } from 'vitest'

interface FakeClock {
  jump(millis: number): void
}

/** Advances fake timers like a blocked event loop: each due timer fires once, late. */
export function blockEventLoop(millis: number): void {
  const { clock } = setInterval as unknown as { clock: FakeClock }
  clock.jump(millis)
}

/**
 * Fakes timers like `vi.useFakeTimers`, including those of the bridge, which are independent of the globals.
 *
 * @param timers `timers` of the tested copy of `@logbridge/bridge`
 */
export function useFakeTimers(timers: object, options?: Parameters<typeof vi.useFakeTimers>[0]): void {
  vi.useFakeTimers(options)
  for (const name of Object.keys(timers)) {
    const fake = (...args: unknown[]): unknown =>
      (globalThis as unknown as Record<string, (...args: unknown[]) => unknown>)[name]!(...args)
    vi.spyOn(timers as Record<string, () => void>, name).mockImplementation(fake)
  }
}
