// Next.js calls `register` once in each server, before the first request; also where it is not Node.js (edge).
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs' && !process.env.BY_FLAG_ALONE) await import('@logbridge/auto')
}
