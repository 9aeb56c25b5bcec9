import { warnOnce } from '@logbridge/bridge/internal'
import type { ExporterOptions, OtlpProtocol } from './options.ts'
import { parseGrpcTarget } from './grpcTarget.ts'
import { exporterTable, type Signal } from './optionTable.ts'
import { protocolAdvice } from './protocolAdvice.ts'
import { booleanText, type Environment, invalidOption, readVariable } from './settings.ts'

// One rule for all signals, options, and variables: telemetry is sent to the configured endpoint or not at all.
//
// | endpoint                                                     | becomes                                            |
// | ------------------------------------------------------------ | -------------------------------------------------- |
// | none                                                         | localhost: port 4317 for gRPC, 4318 for HTTP       |
// | port 4318 or a path, protocol not set                        | http/protobuf                                      |
// | a path, protocol grpc                                        | host and port without the path, with a warning     |
// | for all signals, ends in /v1/logs (traces, metrics)          | the URL without that end, with a warning           |
// | otherwise invalid, as an option                              | an error                                           |
// | otherwise invalid, as a variable                             | the signal does not start, with a warning          |

/** Resolved endpoint of one signal. */
export interface Endpoint {
  readonly protocol: OtlpProtocol
  /** See `ExporterConfig.url`. */
  readonly url: string
  readonly secure: boolean
}

/** Option `tls` of one signal. */
export interface TlsOption {
  /** Path of the option, for messages. */
  readonly path: string
  readonly given: ExporterOptions['tls']
}

/** Endpoint before validation. */
interface Given {
  readonly text: string
  /** Name of the option or the variable, for messages. */
  readonly source: string
  readonly isOption: boolean
  /** Set for all signals. Over HTTP the path of the signal is appended. */
  readonly isGeneral: boolean
}

const SIGNAL_PATHS = ['/v1/logs', '/v1/traces', '/v1/metrics']
const GRPC_ACCEPTS = 'http://host:port, https://host:port, host:port, dns:///host:port or unix:path for gRPC'
const HTTP_ACCEPTS = 'a URL that begins with http:// or https://, such as http://localhost:4318'
const HTTP_PORT = '4318'

/** Scheme of a gRPC target, not the name of a host before a port: https://github.com/grpc/grpc/blob/master/doc/naming.md */
const GRPC_TARGET = /^(dns|unix|ipv4|ipv6):(?!\d+$)/
const URL_SCHEME = /^https?:\/\//i
/** Matches what a message may show: a scheme, a host, and a port, because other parts of a URL may hold secrets. */
const SHOWN = /^(?:[a-z\d.+-]{1,10}:)?\/{0,3}[\w.:[\]-]{0,60}\/?$/i
/** Matches `host`, `host:port`, `[::1]:port`, with or without a path. A text with a scheme does not match. */
const BARE_HOST = /^(?:\[[\da-f:.]+\]|[^\s:/?#@\\[\]]+)(?::\d+)?(?:[/?#]|$)/i

/**
 * Resolves the endpoint of one signal.
 *
 * @param protocol protocol that an option or a variable sets
 * @returns `undefined` when a variable is invalid: the signal must not start
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
  const insecure =
    tls.given === undefined
      ? (readVariable(env, exporterTable(signal).tls.variables, booleanText) ?? false)
      : !tls.given
  const used = protocol ?? impliedProtocol(given.text)
  const endpoint = used === 'grpc' ? readGrpcEndpoint(given, insecure) : readHttpEndpoint(given, signal)
  if (endpoint !== undefined) return checkTls({ ...endpoint, protocol: used }, tls, given.source)
  const problem = describeProblem(given, used)
  if (given.isOption) throw invalidOption(problem)
  const unsent = given.isGeneral ? 'nothing is exported to it' : `${signal} are not exported`
  warnOnce(given.source, `${problem}; until then ${unsent}`)
  return undefined
}

/** Describes an invalid endpoint, and names the value to set. */
function describeProblem({ text, source }: Given, protocol: OtlpProtocol): string {
  if (/^['"]/.test(text))
    return `${source} begins with a quote (docker --env-file keeps quotes: leave them out)`
  const accepts = protocol === 'grpc' ? GRPC_ACCEPTS : HTTP_ACCEPTS
  if (!SHOWN.test(text)) return `${source} is a text of ${text.length} characters; set it to ${accepts}`
  // A text of host and port needs a scheme alone.
  const isBare = BARE_HOST.test(text) && URL.canParse(`http://${text}`)
  return `${source} is '${text}'; set it to ${isBare ? `http://${text} (or https://${text})` : accepts}`
}

/** Finds the endpoint. Precedence: option of the signal, option for all, variable of the signal, variable for all. */
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
  for (const [index, source] of exporterTable(signal).endpoint.variables.entries()) {
    const text = env[source]?.trim()
    if (text) return { text, source, isOption: false, isGeneral: index > 0 }
  }
  return undefined
}

/** Derives the protocol: `http/protobuf` for port 4318, the port of OTLP over HTTP, and for a path, because gRPC has no path. */
function impliedProtocol(text: string): OtlpProtocol {
  const url = GRPC_TARGET.test(text) ? undefined : parseUrl(text, true)
  return url && (url.port === HTTP_PORT || hasPath(url)) ? 'http/protobuf' : 'grpc'
}

/**
 * Reads a gRPC endpoint. The scheme decides on TLS; `insecure` decides for an endpoint without a scheme.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
 */
function readGrpcEndpoint(
  { text, source }: Given,
  insecure: boolean,
): Omit<Endpoint, 'protocol'> | undefined {
  if (GRPC_TARGET.test(text)) return parseGrpcTarget(text) && { url: text, secure: !insecure }
  const url = parseUrl(text, insecure)
  if (url === undefined) return undefined
  if (hasPath(url)) {
    warnOnce(
      `${source}-path`,
      `${source}: its path is ignored, because gRPC has no path; for OTLP over HTTP ${protocolAdvice('http/protobuf')}`,
    )
  }
  if (url.username || url.password) {
    warnOnce(
      `${source}-user`,
      `${source}: its user name and password are ignored, because gRPC cannot carry them; set an authorization header by the ` +
        'option headers or OTEL_EXPORTER_OTLP_HEADERS',
    )
  }
  return { url: `${url.protocol}//${url.host}`, secure: url.protocol === 'https:' }
}

/** Reads an HTTP endpoint. Appends the path of the signal to an endpoint for all signals. */
function readHttpEndpoint(
  { text, source, isGeneral }: Given,
  signal: Signal,
): Omit<Endpoint, 'protocol'> | undefined {
  const url = URL_SCHEME.test(text) ? parseUrl(text, false) : undefined
  if (url === undefined) return undefined
  if (isGeneral) {
    let path = url.pathname.replace(/\/$/, '')
    const trimmed = withoutTrailingSlashes(path)
    const signalPath = SIGNAL_PATHS.find((candidate) => trimmed.endsWith(candidate))
    if (signalPath !== undefined) {
      path = trimmed.slice(0, -signalPath.length)
      warnOnce(
        `${source}-signal`,
        `${source}: its ${signalPath} is removed, because each signal appends a path: leave ${signalPath} out, or set ` +
          'the endpoint of one signal (option logs.endpoint, OTEL_EXPORTER_OTLP_LOGS_ENDPOINT)',
      )
    }
    url.pathname = `${path}/v1/${signal}`
  }
  return { url: url.href, secure: url.protocol === 'https:' }
}

/** @param insecure selects `http:` for a text without a scheme */
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

/**
 * Checks that the option `tls` agrees with the scheme, because plain text in spite of `tls` would reveal secrets.
 * @throws LogbridgeError `INVALID_OPTION`
 */
function checkTls(endpoint: Endpoint, { path, given }: TlsOption, source: string): Endpoint {
  if (given && !endpoint.secure)
    throw invalidOption(`option ${path} is set, but ${source} begins with http://: write https://`)
  if (given === false && endpoint.secure) {
    throw invalidOption(`option ${path} is false, but ${source} begins with https://: write http://`)
  }
  return endpoint
}
