import { useEffect, useState } from 'preact/hooks'

export interface Loaded<T> {
  /** Last answer, which stays while another is on its way. */
  readonly value: T | undefined
  readonly error: Error | undefined
}

/** Loads a value, and again when a dependency changes. An answer that is overtaken by another is ignored. */
export function useLoaded<T>(
  load: (signal: AbortSignal) => Promise<T>,
  dependencies: readonly unknown[],
): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: undefined, error: undefined })
  useEffect(() => {
    const aborted = new AbortController()
    const show = (change: (before: Loaded<T>) => Loaded<T>): void => {
      if (!aborted.signal.aborted) setLoaded(change)
    }
    load(aborted.signal)
      .then((value) => show(() => ({ value, error: undefined })))
      .catch((error: Error) => show(({ value }) => ({ value, error })))
    return () => aborted.abort()
  }, dependencies)
  return loaded
}
