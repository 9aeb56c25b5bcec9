import { LogbridgeError } from '@logbridge/bridge'
import { warnOnce } from '@logbridge/bridge/internal'
import type { ExporterConfig, Signal } from './exporter.ts'
import type { ExporterOptions, OtlpProtocol } from './options.ts'
import { type Environment, readBoolean } from './settings.ts'

// One rule for all signals, options and variables: records go to the configured endpoint or nowhere.
//
// | endpoint                                                     | becomes                                            |
// | ------------------------------------------------------------ | -------------------------------------------------- |
// | none                                                         | localhost: 4317 for gRPC, 4318 for http/protobuf   |
// | no protocol, and port 4318 or a path                         | http/protobuf                                      |
// | gRPC asked for, and a path                                   | the same host and port, with a warning             |
// | the one for all signals ends in /v1/logs (traces, metrics)   | the same without that, with a warning              |
// | anything else that cannot be used, as an option              | an error                                           |
// | anything else that cannot be used, as a variable             | the signal does not start, with a warning          |

/** Where to send, settled. */
export interface Endpoint extends Pick<ExporterConfig, 'protocol' | 'url'> {
  readonly secure: boolean
}

/** What the user has said about TLS. */
export interface TlsOption {
  /** Where the option stands, for messages. */
  readonly path: string
  readonly given: ExporterOptions['tls']
}

/** An endpoint as it was given. */
interface Given {
  readonly text: string
  /** The option or the variable, for messages. */
  readonly source: string
  readonly isOption: boolean
  /** For all signals: the path of each is appended over HTTP. */
  readonly isGeneral: boolean
}

const SIGNAL_PATHS = ['/v1/logs', '/v1/traces', '/v1/metrics']
const GRPC_ACCEPTS =
  'a gRPC endpoint: http://host:port, https://host:port, host:port, dns:///host:port or unix:path'
const HTTP_ACCEPTS = 'a URL that begins with http:// or https://'
const HTTP_PORT = '4318'

/** A target that grpc-js resolves by itself: https://github.com/grpc/grpc/blob/master/doc/naming.md */
const GRPC_TARGET = /^(dns|unix|ipv4|ipv6):(?!\d+$)/
const URL_SCHEME = /^https?:\/\//i
/** `host`, `host:port`, `[::1]:port`, each with a path or without. Another scheme is none of them. */
const BARE_HOST = /^(?:\[[\da-f:.]+\]|[^\s:/?#@\\[\]]+)(?::\d+)?(?:[/?#]|$)/i

/**
 * Settles the endpoint of one signal.
 *
 * @param protocol what was asked for, if anything was
 * @returns `undefined` when a variable cannot be used: the signal must not start
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveEndpoint(
  signal: Signal,
  protocol: OtlpProtocol | undefined,
  general: ExporterOptions,
  own: ExporterOptions,
  tls: TlsOption,
  env: Environment,
): Endpoint | undefined {
  const given = givenEndpoint(signal, general, own, env)
  if (given === undefined) {
    const host = protocol === 'http/protobuf' ? `localhost:${HTTP_PORT}/v1/${signal}` : 'localhost:4317'
    const url = `${tls.given ? 'https' : 'http'}://${host}`
    return { protocol: protocol ?? 'grpc', url, secure: Boolean(tls.given) }
  }
  const insecure = tls.given === undefined ? readInsecure(signal, env) : !tls.given
  const used = protocol ?? impliedProtocol(given.text)
  const endpoint = used === 'grpc' ? readGrpcEndpoint(given, insecure) : readHttpEndpoint(given, signal)
  if (endpoint !== undefined) return agreed({ ...endpoint, protocol: used }, tls, given.source)
  const problem = `${given.source} is not ${used === 'grpc' ? GRPC_ACCEPTS : HTTP_ACCEPTS}`
  if (given.isOption) throw invalid(problem)
  warnOnce(`${given.source}-${signal}`, `${problem}: ${signal} are not exported until it is set right`)
  return undefined
}

/** The option of the signal, else the option for all, else the variable of the signal, else the variable for all. */
function givenEndpoint(
  signal: Signal,
  general: ExporterOptions,
  own: ExporterOptions,
  env: Environment,
): Given | undefined {
  if (own.endpoint !== undefined) {
    const source = `option ${signal}.endpoint`
    return { text: own.endpoint.trim(), source, isOption: true, isGeneral: false }
  }
  if (general.endpoint !== undefined) {
    return { text: general.endpoint.trim(), source: 'option endpoint', isOption: true, isGeneral: true }
  }
  const generalName = 'OTEL_EXPORTER_OTLP_ENDPOINT'
  for (const source of [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`, generalName]) {
    const text = env[source]?.trim()
    if (text) return { text, source, isOption: false, isGeneral: source === generalName }
  }
  return undefined
}

/** http/protobuf where the port or a path says so, because gRPC has no path and 4318 is the port of OTLP over HTTP. */
function impliedProtocol(text: string): OtlpProtocol {
  const url = GRPC_TARGET.test(text) ? undefined : parseUrl(text, true)
  return url && (url.port === HTTP_PORT || hasPath(url)) ? 'http/protobuf' : 'grpc'
}

/**
 * The scheme decides on TLS; without one `insecure` does.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
 */
function readGrpcEndpoint(
  { text, source }: Given,
  insecure: boolean,
): Omit<Endpoint, 'protocol'> | undefined {
  if (GRPC_TARGET.test(text)) return { url: text, secure: !insecure }
  const url = parseUrl(text, insecure)
  if (url === undefined) return undefined
  if (hasPath(url)) {
    warnOnce(
      `${source}-path`,
      `${source}: its path is not used, because gRPC has none; for OTLP over HTTP set the protocol to http/protobuf`,
    )
  }
  if (url.username || url.password) {
    warnOnce(
      `${source}-user`,
      `${source}: its user name and password are not used, because gRPC has no place for them; send an authorization header`,
    )
  }
  return { url: `${url.protocol}//${url.host}`, secure: url.protocol === 'https:' }
}

/** The path of the signal is appended to an endpoint for all signals; another one is used as it is. */
function readHttpEndpoint(
  { text, source, isGeneral }: Given,
  signal: Signal,
): Omit<Endpoint, 'protocol'> | undefined {
  const url = URL_SCHEME.test(text) ? parseUrl(text, false) : undefined
  if (url === undefined) return undefined
  if (isGeneral) {
    let path = withoutTrailingSlashes(url.pathname)
    const signalPath = SIGNAL_PATHS.find((one) => path.endsWith(one))
    if (signalPath !== undefined) {
      path = withoutTrailingSlashes(path.slice(0, -signalPath.length))
      warnOnce(
        `${source}-signal`,
        `${source}: its ${signalPath} is taken off, because each signal appends a path of its own`,
      )
    }
    url.pathname = `${path}/v1/${signal}`
  }
  return { url: url.href, secure: url.protocol === 'https:' }
}

/** @param insecure the scheme of an endpoint without one */
function parseUrl(text: string, insecure: boolean): URL | undefined {
  const hasScheme = URL_SCHEME.test(text)
  if (!hasScheme && !BARE_HOST.test(text)) return undefined
  const full = hasScheme ? text : `${insecure ? 'http' : 'https'}://${text}`
  const url = URL.canParse(full) ? new URL(full) : undefined
  return url?.hostname ? url : undefined
}

function hasPath({ pathname, search, hash }: URL): boolean {
  return pathname !== '/' || search !== '' || hash !== ''
}

function withoutTrailingSlashes(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end -= 1
  return path.slice(0, end)
}

function readInsecure(signal: Signal, env: Environment): boolean {
  const names = [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_INSECURE`, 'OTEL_EXPORTER_OTLP_INSECURE']
  return readBoolean(env, names) ?? false
}

/** Plain text in spite of `tls` would send what was to be kept secret. */
function agreed(endpoint: Endpoint, { path, given }: TlsOption, source: string): Endpoint {
  if (given && !endpoint.secure)
    throw invalid(`option ${path} is given, but ${source} begins with http://: write https://`)
  if (given === false && endpoint.secure) {
    throw invalid(`option ${path} is false, but ${source} begins with https://: write http://`)
  }
  return endpoint
}

function invalid(message: string): LogbridgeError {
  return new LogbridgeError('INVALID_OPTION', `@logbridge/core: ${message}`)
}
