import { useEffect, useRef } from 'preact/hooks'
import { receive } from '../live.ts'
import type { Update } from '../model.ts'
import { useSlowed } from './useSlowed.ts'

/** Returns a number that grows when records of a signal have arrived, at most once in the given time. */
export function useArrivals(
  signals: readonly (keyof Update['written']['inserted'])[],
  millis: number,
): number {
  const [count, report] = useSlowed(millis)
  const last = useRef('')
  useEffect(
    () =>
      receive({
        query: '',
        limit: 0,
        onStart: report,
        onUpdate({ written }) {
          const numbers = signals.map((each) => written.inserted[each]).join(' ')
          if (numbers !== last.current) report()
          last.current = numbers
        },
      }),
    [],
  )
  return count
}
