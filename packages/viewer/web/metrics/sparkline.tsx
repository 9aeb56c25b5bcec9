import type { JSX } from 'preact'

const WIDTH = 120
const HEIGHT = 22
const MARGIN = 2

/** Line of the last values, without axes. */
export function Sparkline({ values }: { values: readonly (number | null)[] }): JSX.Element {
  const numbers = values.filter((value) => value !== null)
  const low = Math.min(...numbers)
  const high = Math.max(...numbers)
  const x = (index: number): number =>
    MARGIN + (index / Math.max(1, values.length - 1)) * (WIDTH - 2 * MARGIN)
  const y = (value: number): number =>
    high === low ? HEIGHT / 2 : HEIGHT - MARGIN - ((value - low) / (high - low)) * (HEIGHT - 2 * MARGIN)
  const points = values.flatMap((value, index) => (value === null ? [] : [[x(index), y(value)] as const]))
  const [last] = points.slice(-1)
  return (
    <svg class="sparkline" width={WIDTH} height={HEIGHT} aria-hidden="true">
      <polyline points={points.map((point) => point.join(',')).join(' ')} />
      {last !== undefined && <circle cx={last[0]} cy={last[1]} r={2} />}
    </svg>
  )
}
