import { readFileSync } from 'node:fs'
import type { Signal } from '../../config/optionTable.ts'
import type { ExporterConfig, TlsConfig } from '../../config/exporter.ts'
import { authorityOf, EXPORT_METHODS, targetOf } from '../grpc.ts'
import { extractCredentials, headersNow, lowerCaseNames, resolveHeaders } from '../headers.ts'
import { resolveProxy } from '../proxy.ts'
import { withSuppressedTelemetry } from '../suppressed.ts'
import { hostPortOf } from '../tunnel.ts'
import { userAgent } from '../userAgent.ts'
import type { TlsMaterial } from '../httpClient.ts'
import type { ExitTarget } from './types.ts'

/** Calls a headers function once at the start, because a process that ends within a second has sent no request before. */
export function prepareExitTarget(config: ExporterConfig): void {
  if (typeof config.headers === 'function') {
    void withSuppressedTelemetry(() => resolveHeaders(config, new AbortController().signal))
  }
}

/**
 * Resolves the receiver for the worker of an exit flush, synchronously.
 * @throws Error for the option `agent`, and when the headers function has returned no headers yet, with a message that contains no header
 */
export function resolveExitTarget(config: ExporterConfig, signal: Signal): ExitTarget {
  if (config.agent !== undefined) throw new Error('a worker thread cannot use the option agent')
  const headers = lowerCaseNames(withSuppressedTelemetry(() => headersNow(config)))
  headers['user-agent'] = userAgent(headers['user-agent'])
  const { protocol, compression, timeoutMillis } = config
  const shared = { protocol, compression, timeoutMillis, tls: config.tls && readTls(config.tls) }
  if (protocol === 'http/protobuf') {
    const url = new URL(config.url)
    const credentials = extractCredentials(url)
    return {
      ...shared,
      url: url.href,
      address: { path: '' },
      method: '',
      headers: { ...credentials, ...headers },
      proxy: resolveProxy(config, hostPortOf(url)),
    }
  }
  const [address] = targetOf(config.url).addresses
  return {
    ...shared,
    url: `${config.tls ? 'https' : 'http'}://${authorityOf(address)}`,
    address,
    method: EXPORT_METHODS[signal],
    headers,
    proxy: 'path' in address ? undefined : resolveProxy(config, address),
  }
}

/** Reads the current TLS files. Keeps the initial contents of a file that cannot be read. */
function readTls({ files = {}, ...given }: TlsConfig): TlsMaterial {
  const material: Record<string, unknown> = { ...given }
  for (const [name, path] of Object.entries(files)) {
    try {
      material[name] = readFileSync(path)
    } catch {
      // The file may be replaced at this moment.
    }
  }
  return material
}
