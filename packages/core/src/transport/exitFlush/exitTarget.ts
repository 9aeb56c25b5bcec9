import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import type { Signal } from '../../config/optionTable.ts'
import type { ExporterConfig, TlsConfig } from '../../config/exporter.ts'
import { EXPORT_METHODS } from '../grpc.ts'
import { resolveHeaders, headersNow } from '../headers.ts'
import { extractCredentials } from '../http.ts'
import { withSuppressedTelemetry } from '../suppressed.ts'
import { hostPort } from './connect.ts'
import type { ExitProxy, ExitTarget, ExitTls } from './types.ts'

/** Default port of grpc-js. */
const DEFAULT_GRPC_PORT = 443

/** Calls a headers function once at the start, because a process that ends within a second has sent no request before. */
export function prepareExitTarget(config: ExporterConfig): void {
  if (typeof config.headers === 'function') {
    void withSuppressedTelemetry(() => resolveHeaders(config, new AbortController().signal))
  }
}

/**
 * Resolves the receiver for the worker of an exit flush, synchronously.
 * @throws Error when the headers function has returned no headers yet, with a message that contains no header
 */
export function resolveExitTarget(config: ExporterConfig, signal: Signal): ExitTarget {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(withSuppressedTelemetry(() => headersNow(config)))) {
    headers[name.toLowerCase()] = value
  }
  headers['user-agent'] ??= 'logbridge'
  const { protocol, compression, timeoutMillis } = config
  const shared = { protocol, compression, timeoutMillis, tls: config.tls && readTls(config.tls, protocol) }
  if (protocol === 'http/protobuf') {
    const url = new URL(config.url)
    const credentials = extractCredentials(url)
    const address = { path: '' }
    return {
      ...shared,
      url: url.href,
      address,
      method: '',
      headers: { ...credentials, ...headers },
      proxy: undefined,
    }
  }
  const address = grpcAddress(config.url)
  const authority = 'path' in address ? 'localhost' : hostPort(address)
  return {
    ...shared,
    url: `${config.tls ? 'https' : 'http'}://${authority}`,
    address,
    method: EXPORT_METHODS[signal],
    headers,
    proxy: 'path' in address ? undefined : proxyOf(address.host),
  }
}

/** Reads the current TLS files. Keeps the initial contents of a file that cannot be read. */
function readTls({ files = {}, ...given }: TlsConfig, protocol: ExporterConfig['protocol']): ExitTls {
  const material: Record<string, Uint8Array> = { ...given }
  const roots = process.env['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH']
  const paths = { ...(protocol === 'grpc' && !given.ca && roots && { ca: roots }), ...files }
  for (const [name, path] of Object.entries(paths)) {
    try {
      material[name] = readFileSync(path)
    } catch {
      // The file may be replaced at this moment.
    }
  }
  return material
}

/** Returns the address of a gRPC endpoint, the first of a list. */
function grpcAddress(url: string): ExitTarget['address'] {
  const isUrl = url.startsWith('http')
  const [scheme = '', ...parts] = url.split(':')
  const rest = parts.join(':')
  // Skip the authority of a target, which names a DNS server and is empty for a socket in the file system.
  const path = !isUrl && rest.startsWith('//') ? rest.slice(rest.indexOf('/', 2)) : rest
  if (scheme === 'unix') return { path }
  const { hostname, port } = new URL(isUrl ? url : `grpc://${path.replace(/^\//, '').split(',')[0]}`)
  const defaultPort = scheme === 'http' ? 80 : DEFAULT_GRPC_PORT
  return { host: withoutBrackets(hostname), port: port === '' ? defaultPort : Number(port) }
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** Returns the proxy that grpc-js uses. https://github.com/grpc/grpc-node/blob/master/packages/grpc-js/src/http_proxy.ts */
function proxyOf(host: string): ExitProxy | undefined {
  const { env } = process
  const text = env['grpc_proxy'] || env['https_proxy'] || env['http_proxy'] || ''
  if (!URL.canParse(text) || bypassesProxy(host, env['no_grpc_proxy'] || env['no_proxy'] || '')) {
    return undefined
  }
  const url = new URL(text)
  if (url.protocol !== 'http:') return undefined
  const { authorization } = extractCredentials(url)
  const port = Number(url.port || 80)
  return { host: withoutBrackets(url.hostname), port, ...(authorization && { authorization }) }
}

/** @param list suffixes of names and ranges of addresses, e.g. `10.0.0.0/8` */
function bypassesProxy(host: string, list: string): boolean {
  return list.split(',').some((entry) => {
    const [network = '', bits = ''] = entry.split('/')
    if (entry === '') return false
    if (!isIPv4(host) || !isIPv4(network) || !/^\d+$/.test(bits)) return host.endsWith(entry)
    const size = 2 ** (32 - Number(bits))
    return Math.floor(numberOf(host) / size) === Math.floor(numberOf(network) / size)
  })
}

function numberOf(ipv4: string): number {
  return ipv4.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
