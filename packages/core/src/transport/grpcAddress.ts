import { type HostPort, withoutBrackets } from './tunnel.ts'

/** Default port of gRPC. */
const DEFAULT_PORT = 443

/** Returns the address of a gRPC endpoint, the first of a list. */
export function grpcAddress(url: string): HostPort | { readonly path: string } {
  const isUrl = url.startsWith('http')
  const [scheme = '', ...parts] = url.split(':')
  const rest = parts.join(':')
  // Skip the authority of a target, which names a DNS server and is empty for a socket in the file system.
  const path = !isUrl && rest.startsWith('//') ? rest.slice(rest.indexOf('/', 2)) : rest
  if (scheme === 'unix') return { path }
  const { hostname, port } = new URL(isUrl ? url : `grpc://${path.replace(/^\//, '').split(',')[0]}`)
  const defaultPort = scheme === 'http' ? 80 : DEFAULT_PORT
  return { host: withoutBrackets(hostname), port: port === '' ? defaultPort : Number(port) }
}
