import { isIP, isIPv4, isIPv6 } from 'node:net'

interface HostPort {
  /** Name or IP address. */
  readonly host: string
  readonly port: number
}

/** Host and port, or the path of a Unix domain socket. */
export type GrpcAddress = HostPort | { readonly path: string }

/** Receiver of gRPC requests. https://github.com/grpc/grpc/blob/master/doc/naming.md */
export interface GrpcTarget {
  /** A name stands for all addresses that it resolves to. */
  readonly addresses: readonly [GrpcAddress, ...GrpcAddress[]]
  /** `address` or `address:port` of the DNS server that resolves the name; `undefined` for the resolver of the system. */
  readonly dnsServer: string | undefined
}

const URL_SCHEME = /^https?:\/\//i
const TARGET = /^(dns|ipv4|ipv6|unix):(?:\/\/([^/]*)\/)?(.+)$/
const HOST_PORT = /^(?:\[([^\]]+)\]|([^\s:/?#@\\[\]]+))(?::(\d{1,5}))?$/
/** Default port of gRPC. */
const DEFAULT_PORT = 443

/**
 * Parses `http(s)://host:port`, `dns:name:port`, `dns://server/name:port`, `ipv4:address:port,…`, `ipv6:[address]:port,…`,
 * `unix:path`, and `unix:///path`.
 *
 * @returns `undefined` for an invalid target
 */
export function parseGrpcTarget(text: string): GrpcTarget | undefined {
  if (URL_SCHEME.test(text)) {
    const { host, protocol } = new URL(text)
    return single(parseHostPort(host, protocol === 'https:' ? 443 : 80))
  }
  const [, scheme, authority, path = ''] = TARGET.exec(text) ?? []
  // Only a target of `dns:` names a server. An empty one comes before an absolute path.
  if (scheme !== 'dns' && authority) return undefined
  if (scheme === 'unix') return single({ path: authority === '' ? `/${path}` : path })
  if (scheme === 'dns') return single(parseHostPort(path, DEFAULT_PORT), authority || undefined)
  if (scheme === undefined) return undefined
  const isRightKind = scheme === 'ipv4' ? isIPv4 : isIPv6
  const [first, ...others] = path.split(',').map((each) => parseHostPort(each, DEFAULT_PORT))
  return [first, ...others].every((address) => address && isRightKind(address.host))
    ? { addresses: [first, ...others] as [HostPort, ...HostPort[]], dnsServer: undefined }
    : undefined
}

function single(address: GrpcAddress | undefined, dnsServer?: string): GrpcTarget | undefined {
  // `dns.Resolver` accepts no name of a server.
  const isServer = dnsServer === undefined || isIP(parseHostPort(dnsServer, 53)?.host ?? '') !== 0
  return address && isServer ? { addresses: [address], dnsServer } : undefined
}

function parseHostPort(text: string, defaultPort: number): HostPort | undefined {
  if (isIPv6(text)) return { host: text, port: defaultPort }
  const [, inBrackets, name = inBrackets, digits] = HOST_PORT.exec(text) ?? []
  const port = digits === undefined ? defaultPort : Number(digits)
  const isValid = name !== undefined && port < 65_536 && (inBrackets === undefined || isIPv6(inBrackets))
  return isValid ? { host: name, port } : undefined
}
