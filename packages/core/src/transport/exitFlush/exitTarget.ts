import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import type { Signal } from '../../config/optionTable.ts'
import type { ExporterConfig, TlsConfig } from '../../config/exporter.ts'
import { EXPORT_METHODS } from '../grpc.ts'
import { resolveHeaders, headersNow } from '../headers.ts'
import { extractCredentials } from '../http.ts'
import { withSuppressedTelemetry } from '../suppressed.ts'
import type { ExitProxy, ExitTarget, ExitTls } from './types.ts'

/** The one that grpc-js takes. */
const DEFAULT_GRPC_PORT = 443

/** Asks for the headers once, because a process that ends within a second has sent no request that would have asked. */
export function prepareExitTarget(config: ExporterConfig): void {
  if (typeof config.headers === 'function') {
    void withSuppressedTelemetry(() => resolveHeaders(config, new AbortController().signal))
  }
}

/**
 * Resolves where the worker of an exit flush sends to, without waiting for anything.
 * @throws Error when the headers function has given none yet, in words that hold no header
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
    const signIn = extractCredentials(url)
    const address = { path: '' }
    return {
      ...shared,
      url: url.href,
      address,
      method: '',
      headers: { ...signIn, ...headers },
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

/** The files as they are now; where one cannot be read, its content at the start. */
function readTls({ files = {}, ...given }: TlsConfig, protocol: ExporterConfig['protocol']): ExitTls {
  const found: Record<string, Uint8Array> = { ...given }
  const roots = process.env['GRPC_DEFAULT_SSL_ROOTS_FILE_PATH']
  const paths = { ...(protocol === 'grpc' && !given.ca && roots && { ca: roots }), ...files }
  for (const [name, path] of Object.entries(paths)) {
    try {
      found[name] = readFileSync(path)
    } catch {
      // It may be exchanged at this moment.
    }
  }
  return found
}

/** The socket of a gRPC endpoint: of a list of addresses, and of all behind a name, one that answers is enough. */
function grpcAddress(url: string): ExitTarget['address'] {
  const isUrl = url.startsWith('http')
  const [scheme = '', ...parts] = url.split(':')
  const rest = parts.join(':')
  // The authority of a target names a DNS server, and is empty for a socket of the file system.
  const path = !isUrl && rest.startsWith('//') ? rest.slice(rest.indexOf('/', 2)) : rest
  if (scheme === 'unix') return { path }
  const { hostname, port } = new URL(isUrl ? url : `grpc://${path.replace(/^\//, '').split(',')[0]}`)
  const defaultPort = scheme === 'http' ? 80 : DEFAULT_GRPC_PORT
  return { host: withoutBrackets(hostname), port: port === '' ? defaultPort : Number(port) }
}

function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

function hostPort({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The proxy that grpc-js uses. https://github.com/grpc/grpc-node/blob/master/packages/grpc-js/src/http_proxy.ts */
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

/** @param list suffixes of names, and ranges of addresses such as `10.0.0.0/8` */
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
