/** Memory after a garbage collection. */
export interface Sample {
  readonly seconds: number
  readonly heapUsed: number
}

export function median(samples: readonly Sample[]): number {
  const sorted = samples.map(({ heapUsed }) => heapUsed).toSorted((a, b) => a - b)
  return sorted[sorted.length >>> 1] ?? NaN
}

/** Returns the growth of the median from the second to the last quarter, as a share. The first quarter is a warm-up. */
export function growth(samples: readonly Sample[]): number {
  const quarter = samples.length >>> 2
  return median(samples.slice(-quarter)) / median(samples.slice(quarter, 2 * quarter)) - 1
}

/** Returns the bytes per minute over the second half, by least squares. */
export function slope(samples: readonly Sample[]): number {
  const half = samples.slice(samples.length >>> 1)
  const mean = (of: (sample: Sample) => number): number =>
    half.reduce((sum, sample) => sum + of(sample), 0) / half.length
  const meanSeconds = mean(({ seconds }) => seconds)
  const meanHeap = mean(({ heapUsed }) => heapUsed)
  const covariance = mean(({ seconds, heapUsed }) => (seconds - meanSeconds) * (heapUsed - meanHeap))
  return (60 * covariance) / mean(({ seconds }) => (seconds - meanSeconds) ** 2)
}
