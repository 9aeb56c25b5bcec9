import { useEffect, useRef, useState } from 'preact/hooks'

/**
 * Returns a number that grows after changes, at most once in the given time.
 *
 * @returns the number, and the function that reports a change
 */
export function useSlowed(millis: number): [count: number, report: () => void] {
  const [count, setCount] = useState(0)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const report = useRef(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      setCount((before) => before + 1)
    }, millis)
  })
  return [count, report.current]
}
