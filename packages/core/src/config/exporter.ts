import { readFileSync } from 'node:fs'
import { diagnose, LogbridgeError, oneOf, type OptionRule, rules } from '@logbridge/bridge'
import type { ExporterOptions, HeadersOption, OtlpProtocol, TlsOptions } from './options.ts'
import {
  duration,
  type Environment,
  ignoreVariable,
  type Kind,
  parsePairs,
  readBoolean,
  readVariable,
  rulesOf,
  setting,
  type SettingTable,
  settle,
  word,
} from './settings.ts'

export type Signal = 'logs' | 'traces' | 'metrics'

/** TLS material, as contents in PEM. */
export interface TlsConfig {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** One OTLP exporter, settled. */
export interface ExporterConfig {
  readonly protocol: OtlpProtocol
  /**
   * gRPC: `scheme://host:port`, or a gRPC target (`dns:///…`, `unix:…`). HTTP: the full URL, the signal's path included.
   */
  readonly url: string
  readonly headers: HeadersOption
  readonly compression: 'gzip' | 'none'
  /** Milliseconds that one attempt may take. */
  readonly timeoutMillis: number
  /** `undefined`: plain text. */
  readonly tls: TlsConfig | undefined
}

const protocol: Kind<OtlpProtocol> = {
  ...oneOf('grpc', 'http/protobuf'),
  parse(text) {
    if (text !== 'http/json') return text as OtlpProtocol
    diagnose('http/json', 'the OTLP protocol http/json is not supported; http/protobuf is used in its place')
    return 'http/protobuf'
  },
}

/** Names and values that both HTTP and gRPC metadata can carry: checked here, as an export could only fail. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/
const HEADER_VALUE = /^[\x20-\x7e]*$/
/** Of the connection, not of a request: HTTP/2 refuses them. https://www.rfc-editor.org/rfc/rfc9113#section-8.2.2 */
const CONNECTION_HEADER = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i

const headers: Kind<HeadersOption> = {
  accepts: 'an object of header names and ASCII values, or a function that returns one',
  test: (value) =>
    typeof value === 'function' ||
    (rules.object.test(value) &&
      Object.entries(value as object).every(
        ([name, text]) =>
          HEADER_NAME.test(name) &&
          !name.endsWith('-bin') &&
          !CONNECTION_HEADER.test(name) &&
          typeof text === 'string' &&
          HEADER_VALUE.test(text),
      )),
  parse: parsePairs,
  secret: true,
}

const isPem = (value: unknown): boolean =>
  value === undefined || Buffer.isBuffer(value) || (typeof value === 'string' && value.includes('-----BEGIN'))

const tls: OptionRule = {
  accepts: 'true, false, or an object of ca, cert and key, each the contents of a PEM file',
  test: (value) =>
    typeof value === 'boolean' ||
    (rules.object.test(value) &&
      Object.entries(value as object).every(
        ([name, content]) => ['ca', 'cert', 'key'].includes(name) && isPem(content),
      )),
}

const file: Kind<Buffer> = {
  accepts: 'a file that can be read',
  test: (value) => Buffer.isBuffer(value),
  parse(path) {
    try {
      return readFileSync(path)
    } catch {
      return undefined
    }
  },
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options */
function variables(signal: Signal, name: string): [string, string] {
  return [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]
}

function exporterTable(signal: Signal) {
  return {
    protocol: setting<OtlpProtocol>(protocol, variables(signal, 'PROTOCOL'), 'grpc'),
    headers: setting<HeadersOption>(headers, variables(signal, 'HEADERS'), {}),
    compression: setting(word('gzip', 'none'), variables(signal, 'COMPRESSION'), 'none'),
    timeoutMillis: setting(duration, variables(signal, 'TIMEOUT'), 10_000),
  } satisfies SettingTable
}

/** The rules of `ExporterOptions`, for `checkOptionsAt`. */
export const exporterRules: Readonly<Record<keyof ExporterOptions, OptionRule>> = {
  ...(rulesOf(exporterTable('logs')) as Record<
    'protocol' | 'headers' | 'compression' | 'timeoutMillis',
    OptionRule
  >),
  endpoint: rules.string,
  tls,
}

/**
 * Settles one signal's exporter.
 * @param general options for all signals
 * @param own options of this signal, which win
 * @throws LogbridgeError `invalid-option`
 */
export function settleExporter(
  signal: Signal,
  general: ExporterOptions,
  own: ExporterOptions,
  env: Environment,
): ExporterConfig {
  const options: Record<string, unknown> = {}
  for (const name of Object.keys(exporterRules) as (keyof ExporterOptions)[]) {
    options[name] = own[name] ?? general[name]
  }
  const settled = settle(exporterTable(signal), options, env)
  const tlsOption = options['tls'] as ExporterOptions['tls']
  const { url, secure } = settleEndpoint(signal, settled.protocol, general, own, tlsOption, env)
  return { ...settled, url, tls: secure ? readTls(signal, tlsOption, env) : undefined }
}

interface Endpoint {
  readonly url: string
  readonly secure: boolean
}

function settleEndpoint(
  signal: Signal,
  protocol: OtlpProtocol,
  general: ExporterOptions,
  own: ExporterOptions,
  tls: ExporterOptions['tls'],
  env: Environment,
): Endpoint {
  const insecure = tls === undefined ? (readBoolean(env, variables(signal, 'INSECURE')) ?? false) : !tls
  const read = (text: string, isBase: boolean): Endpoint | undefined =>
    protocol === 'grpc'
      ? readGrpcEndpoint(text, insecure)
      : readHttpEndpoint(text, isBase ? signal : undefined)
  const accepts =
    protocol === 'grpc'
      ? 'a gRPC endpoint: http://host:port, https://host:port, host:port, dns:///host:port or unix:path, without a path (http/protobuf has one)'
      : 'a URL that begins with http:// or https://'

  const option = own.endpoint ?? general.endpoint
  if (option !== undefined) {
    const name = own.endpoint === undefined ? 'endpoint' : `${signal}.endpoint`
    const endpoint = read(option.trim(), own.endpoint === undefined)
    if (endpoint === undefined) throw invalid(`option ${name} is not ${accepts}`)
    return agreed(endpoint, tls, `option ${name}`)
  }
  for (const name of variables(signal, 'ENDPOINT')) {
    const text = env[name]?.trim()
    if (!text) continue
    const endpoint = read(text, name === 'OTEL_EXPORTER_OTLP_ENDPOINT')
    if (endpoint !== undefined) return agreed(endpoint, tls, name)
    ignoreVariable(name, text, { accepts, test: () => false, secret: true })
  }
  const host = protocol === 'grpc' ? 'localhost:4317' : 'localhost:4318'
  return read(`${tls ? 'https' : 'http'}://${host}`, true) as Endpoint
}

/** Plain text in spite of `tls` would send what was to be kept secret. */
function agreed(endpoint: Endpoint, tls: ExporterOptions['tls'], source: string): Endpoint {
  if (tls && !endpoint.secure)
    throw invalid(`option tls is given, but ${source} begins with http://: write https://`)
  if (tls === false && endpoint.secure) {
    throw invalid(`option tls is false, but ${source} begins with https://: write http://`)
  }
  return endpoint
}

/**
 * The scheme decides on TLS; without one `insecure` does.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
 */
function readGrpcEndpoint(text: string, insecure: boolean): Endpoint | undefined {
  // Names that grpc-js resolves by itself: https://github.com/grpc/grpc/blob/master/doc/naming.md
  if (/^(dns|unix|ipv4|ipv6):/.test(text) && !/^dns:\d+$/.test(text)) return { url: text, secure: !insecure }
  const url = parseUrl(/^https?:\/\//i.test(text) ? text : `${insecure ? 'http' : 'https'}://${text}`)
  if (url === undefined || url.pathname !== '/' || url.search !== '') return undefined
  return { url: `${url.protocol}//${url.host}`, secure: url.protocol === 'https:' }
}

/** @param signal appends its path, as to the variable for all signals; else the URL is used as it is */
function readHttpEndpoint(text: string, signal: Signal | undefined): Endpoint | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined
  const url = parseUrl(text)
  if (url === undefined) return undefined
  if (signal !== undefined) url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/${signal}`
  return { url: url.href, secure: url.protocol === 'https:' }
}

function parseUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url?.hostname ? url : undefined
}

function readTls(signal: Signal, option: ExporterOptions['tls'], env: Environment): TlsConfig {
  const given: TlsOptions = typeof option === 'object' ? option : {}
  const ca = contents(given.ca) ?? readVariable(env, variables(signal, 'CERTIFICATE'), file)
  const cert = contents(given.cert) ?? readVariable(env, variables(signal, 'CLIENT_CERTIFICATE'), file)
  const key = contents(given.key) ?? readVariable(env, variables(signal, 'CLIENT_KEY'), file)
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'certificate' : 'key'
    if (given.cert ?? given.key)
      throw invalid(`option tls lacks the client ${missing}: give both cert and key, or none`)
    diagnose(
      'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
      `the client ${missing} is missing, so mutual TLS is off: set both OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY`,
    )
    return { ...(ca && { ca }) }
  }
  return { ...(ca && { ca }), ...(cert && key && { cert, key }) }
}

function contents(pem: string | Buffer | undefined): Buffer | undefined {
  return typeof pem === 'string' ? Buffer.from(pem) : pem
}

function invalid(message: string): LogbridgeError {
  return new LogbridgeError('invalid-option', `@logbridge/core: ${message}`)
}
