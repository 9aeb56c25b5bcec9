import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ExporterConfig } from '../config/exporter.ts'
import { raceAbort } from './deadline.ts'
import { GZIP_OVER_BYTES } from './transport.ts'

const compress = promisify(gzip)

/**
 * Compresses a request, if the exporter compresses requests of its size.
 * @returns `undefined` for a request that is sent as it is
 */
export async function compressRequest(
  { compression }: Pick<ExporterConfig, 'compression'>,
  request: Uint8Array,
  attempt: AbortSignal,
): Promise<Uint8Array | undefined> {
  if (compression !== 'gzip' || request.length <= GZIP_OVER_BYTES) return undefined
  // Race the compression, because all threads of the pool may be blocked by a disk that hangs.
  return await raceAbort(attempt, compress(request))
}
