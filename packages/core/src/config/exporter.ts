import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { LogbridgeError, oneOf, type OptionRule, rules } from '@logbridge/bridge'
import { warnOnce, oneLine } from '@logbridge/bridge/internal'
import { validateHeaders } from './headers.ts'
import { resolveEndpoint, type Signal, type TlsOption } from './endpoint.ts'
import type { ExporterOptions, HeadersOption, OtlpProtocol, TlsOptions } from './options.ts'
import {
  at,
  duration,
  type Environment,
  type OptionType,
  parsePairs,
  readVariable,
  rulesOf,
  setting,
  type SettingTable,
  resolveOptions,
  enumOf,
} from './settings.ts'

/** Certificates and key in PEM, and the absolute paths of the files that they were read from. */
export interface TlsConfig {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly files?: Readonly<Partial<Record<'ca' | 'cert' | 'key', string>>>
}

/** Resolved configuration of one OTLP exporter. */
export interface ExporterConfig {
  readonly protocol: OtlpProtocol
  /**
   * `scheme://host:port` or a gRPC target (`dns:///…`, `unix:…`) for gRPC, the full URL with the path of the signal for HTTP.
   */
  readonly url: string
  readonly headers: HeadersOption
  readonly compression: 'gzip' | 'none'
  /** Timeout of one attempt, in milliseconds. */
  readonly timeoutMillis: number
  /** `undefined` for plain text. */
  readonly tls: TlsConfig | undefined
}

const protocol: OptionType<OtlpProtocol> = {
  ...oneOf('grpc', 'http/protobuf'),
  parse(text) {
    if (text !== 'http/json') return text as OtlpProtocol
    warnOnce('http/json', 'the OTLP protocol http/json is not supported; http/protobuf is used')
    return 'http/protobuf'
  },
}

const headers: OptionType<HeadersOption> = {
  accepts: 'an object of header names and ASCII values, or a function that returns one',
  test: (value) => typeof value === 'function' || validateHeaders(value) === undefined,
  parse: parsePairs,
  secret: true,
}

const isPem = (value: unknown): boolean =>
  Buffer.isBuffer(value) || (typeof value === 'string' && value.includes('-----BEGIN'))

const tls: OptionRule = {
  secret: true,
  accepts:
    'true, false, or an object of ca, cert and key, each the contents of a PEM file, or of caFile, certFile and keyFile, their paths',
  test: (value) =>
    typeof value === 'boolean' ||
    (rules.object.test(value) &&
      Object.entries(value as object).every(
        ([name, given]) =>
          given === undefined ||
          (['ca', 'cert', 'key'].includes(name) && isPem(given)) ||
          (['caFile', 'certFile', 'keyFile'].includes(name) && typeof given === 'string' && given !== ''),
      )),
}

interface Pem {
  readonly content: Buffer
  /** Absolute path of the file. */
  readonly path?: string
}

const file: OptionType<Pem> = {
  accepts: 'a file that can be read',
  test: (value) => value !== undefined,
  parse(path) {
    try {
      return { content: readFileSync(path), path: resolve(path) }
    } catch {
      return undefined
    }
  },
}

/**
 * Variables of an exporter option, in order of precedence.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
 */
function variables(signal: Signal, name: string): [string, string] {
  return [`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_${name}`, `OTEL_EXPORTER_OTLP_${name}`]
}

function exporterTable(signal: Signal) {
  return {
    protocol: setting<OtlpProtocol | undefined>(protocol, variables(signal, 'PROTOCOL'), undefined),
    headers: setting<HeadersOption>(headers, variables(signal, 'HEADERS'), {}),
    compression: setting(enumOf('gzip', 'none'), variables(signal, 'COMPRESSION'), 'none'),
    timeoutMillis: setting(duration, variables(signal, 'TIMEOUT'), 10_000),
  } satisfies SettingTable
}

/** Rules of `ExporterOptions`, for `checkOptionsAt`. */
export const exporterRules: Readonly<Record<keyof ExporterOptions, OptionRule>> = {
  ...(rulesOf(exporterTable('logs')) as Record<
    'protocol' | 'headers' | 'compression' | 'timeoutMillis',
    OptionRule
  >),
  endpoint: rules.string,
  tls,
}

/**
 * Resolves the exporter of one signal.
 * @param general options for all signals
 * @param own options of this signal, which take precedence
 * @returns `undefined` when a variable names an invalid endpoint: the signal must not start
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveExporter(
  signal: Signal,
  general: ExporterOptions,
  own: ExporterOptions,
  env: Environment,
): ExporterConfig | undefined {
  const options: Record<string, unknown> = {}
  for (const name of Object.keys(exporterRules) as (keyof ExporterOptions)[]) {
    options[name] = own[name] ?? general[name]
  }
  const resolved = resolveOptions(exporterTable(signal), options, env)
  const tls: TlsOption = {
    path: own.tls === undefined ? 'tls' : at(signal, 'tls'),
    given: options['tls'] as ExporterOptions['tls'],
  }
  const endpoint = resolveEndpoint(signal, resolved.protocol, general, own, tls, env)
  if (endpoint === undefined) return undefined
  const { protocol, url, secure } = endpoint
  return { ...resolved, protocol, url, tls: secure ? readTls(signal, tls, env) : undefined }
}

function readTls(signal: Signal, option: TlsOption, env: Environment): TlsConfig {
  const { path } = option
  const given: TlsOptions = typeof option.given === 'object' ? option.given : {}
  const ca = readPem(path, given, 'ca') ?? readVariable(env, variables(signal, 'CERTIFICATE'), file)
  const cert =
    readPem(path, given, 'cert') ?? readVariable(env, variables(signal, 'CLIENT_CERTIFICATE'), file)
  const key = readPem(path, given, 'key') ?? readVariable(env, variables(signal, 'CLIENT_KEY'), file)
  if ((cert === undefined) === (key === undefined)) return tlsConfig({ ca, cert, key })
  const missing = cert === undefined ? 'certificate' : 'key'
  if (given.cert ?? given.certFile ?? given.key ?? given.keyFile)
    throw invalid(`option ${path} has no client ${missing}: set both certificate and key, or neither`)
  warnOnce(
    'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
    `the client ${missing} is missing, so mutual TLS is off: set both OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY`,
  )
  return tlsConfig({ ca })
}

function readPem(option: string, given: TlsOptions, name: 'ca' | 'cert' | 'key'): Pem | undefined {
  const content = given[name]
  const path = given[`${name}File`]
  if (content !== undefined && path !== undefined) {
    throw invalid(`option ${option} has both ${name} and ${name}File: set one of them`)
  }
  if (content !== undefined) return { content: Buffer.isBuffer(content) ? content : Buffer.from(content) }
  if (path === undefined) return undefined
  const pem = file.parse?.(path)
  if (pem !== undefined) return pem
  const shown = path.includes('-----') ? `the contents belong in ${name}` : oneLine(path)
  throw invalid(`option ${option}.${name}File is not ${file.accepts}: ${shown}`)
}

function tlsConfig(pems: Record<string, Pem | undefined>): TlsConfig {
  const contents: Record<string, Buffer> = {}
  const files: Record<string, string> = {}
  for (const [name, pem] of Object.entries(pems)) {
    if (pem !== undefined) contents[name] = pem.content
    if (pem?.path !== undefined) files[name] = pem.path
  }
  return Object.keys(files).length === 0 ? contents : { ...contents, files }
}

function invalid(message: string): LogbridgeError {
  return new LogbridgeError('INVALID_OPTION', `@logbridge/core: ${message}`)
}
