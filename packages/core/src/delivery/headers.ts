import type { ExporterConfig } from '../config/exporter.ts'

/**
 * The headers of one request. A function is asked anew each time, and waited for until the attempt is over.
 * @throws what the function throws, which may hold the headers themselves; what the signal was aborted with
 */
export async function askHeaders(
  { headers }: ExporterConfig,
  attempt: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  if (typeof headers !== 'function') return headers
  const over = Promise.withResolvers<never>()
  const onAbort = (): void => over.reject(attempt.reason)
  attempt.addEventListener('abort', onAbort)
  try {
    attempt.throwIfAborted()
    return await Promise.race([headers(), over.promise])
  } finally {
    attempt.removeEventListener('abort', onAbort)
  }
}
