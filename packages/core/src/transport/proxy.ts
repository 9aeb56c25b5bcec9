import http from 'node:http'
import https from 'node:https'
import { BlockList, isIP } from 'node:net'
import { warnOnce } from '@logbridge/bridge/internal'
import type { ExporterConfig } from '../config/exporter.ts'
import { isProxyUrl, PROXY_ACCEPTS } from '../config/proxy.ts'
import { extractCredentials } from './headers.ts'
import { type HostPort, hostPort, hostPortOf, type Proxy } from './tunnel.ts'

// | protocol, option `proxy`  | proxy                                                                              |
// | ------------------------- | ---------------------------------------------------------------------------------- |
// | any, a URL                | that URL                                                                           |
// | any, `false`              | none                                                                               |
// | gRPC, not set             | `grpc_proxy`, `https_proxy`, or `http_proxy`, as in all implementations of gRPC    |
// | HTTP, not set             | the proxy that Node.js uses itself: NODE_USE_ENV_PROXY=1, `--use-env-proxy`, or    |
// |                           | `http.setGlobalProxyFromEnv()`                                                     |
//
// Receivers in the list of `no_proxy` are reached without a proxy, whichever row applies, because the list says what the proxy cannot reach.

/** Environment with proxies, as Node.js takes it. */
type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * Resolves the proxy to a receiver. The result changes with the environment and with the global agents of Node.js.
 * @returns `undefined` for a direct connection
 */
export function resolveProxy(
  { protocol, url, proxy }: Pick<ExporterConfig, 'protocol' | 'url' | 'proxy'>,
  to: HostPort,
): Proxy | undefined {
  if (proxy === false) return undefined
  const { env } = process
  const isGrpc = protocol === 'grpc'
  const isSecure = /^https:/i.test(url)
  const variables = isGrpc ? env : nodeProxyEnv(isSecure)
  const names = isGrpc ? ['grpc_proxy', 'https_proxy', 'http_proxy'] : isSecure ? HTTPS_NAMES : HTTP_NAMES
  const name = proxy === undefined ? names.find((each) => variables[each]) : undefined
  const text = proxy ?? (name && variables[name])
  if (!text) return undefined
  const bypassed = (isGrpc && env['no_grpc_proxy']) || bypassedBy(variables) || bypassedBy(env)
  if (bypassesProxy(to, bypassed)) return undefined
  if (isProxyUrl(text)) return parseProxy(text)
  warnOnce(`proxy-${name}-${protocol}`, `${name} is ignored: its value is not ${PROXY_ACCEPTS}`)
  return undefined
}

const HTTPS_NAMES = ['https_proxy', 'HTTPS_PROXY']
const HTTP_NAMES = ['http_proxy', 'HTTP_PROXY']

/** Returns the URLs of all proxies that an exporter may use, which contain secrets. */
export function proxyUrls({ proxy }: Pick<ExporterConfig, 'proxy'>): string[] {
  const environments = [process.env, nodeProxyEnv(false), nodeProxyEnv(true)]
  const names = ['grpc_proxy', 'all_proxy', 'ALL_PROXY', 'GRPC_PROXY', ...HTTPS_NAMES, ...HTTP_NAMES]
  const urls = environments.flatMap((environment) => names.map((name) => environment[name]))
  return [proxy || undefined, ...urls].filter((url) => url !== undefined)
}

/** Returns the environment whose proxies the global agent uses. Node.js 22.21 and 24.5 have introduced it. */
function nodeProxyEnv(isSecure: boolean): ProxyEnvironment {
  const { options } = (isSecure ? https : http).globalAgent as { options?: { proxyEnv?: ProxyEnvironment } }
  return options?.proxyEnv ?? {}
}

function parseProxy(text: string): Proxy {
  const url = new URL(text)
  const isSecure = url.protocol === 'https:'
  const { authorization } = extractCredentials(url)
  return {
    isSecure,
    ...hostPortOf(url),
    ...(authorization && { authorization }),
  }
}

function bypassedBy(environment: ProxyEnvironment): string {
  return environment['no_proxy'] || environment['NO_PROXY'] || ''
}

/**
 * Tells if a receiver is in a list of `no_proxy`.
 * @param list names with their subdomains, with or without a port (`example.com`, `.example.com`, `*.example.com`, `example.com:4317`),
 * addresses, networks (`10.0.0.0/8`), ranges of addresses (`10.0.0.1-10.0.0.9`), or `*` for all
 */
export function bypassesProxy(to: HostPort, list: string): boolean {
  const host = to.host.toLowerCase()
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false
      if (entry === '*' || entry === host || entry === hostPort({ host, port: to.port })) return true
      const name = entry.replace(/^\*?\.?/, '').replace(`:${to.port}`, '')
      return host === name || (name !== '' && host.endsWith(`.${name}`)) || isInNetwork(host, entry)
    })
}

function isInNetwork(host: string, entry: string): boolean {
  const version = isIP(host)
  if (version === 0) return false
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const networks = new BlockList()
  // `BlockList` compares addresses of several spellings, such as `::1` and `0:0:0:0:0:0:0:1`.
  const [network = '', bits] = entry.replaceAll(/[[\]]/g, '').split('/')
  const [first = '', last] = network.split('-')
  try {
    if (bits !== undefined) networks.addSubnet(network, /^\d+$/.test(bits) ? Number(bits) : NaN, family)
    else if (last !== undefined) networks.addRange(first, last, family)
    else networks.addAddress(first, family)
    return networks.check(host, family)
  } catch {
    // The entry is no network of this family.
    return false
  }
}
