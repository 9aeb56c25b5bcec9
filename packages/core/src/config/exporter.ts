import { readFileSync } from 'node:fs'
import type { Agent } from 'node:http'
import { resolve } from 'node:path'
import { oneLine, warnOnce } from '@logbridge/bridge/internal'
import { MAX_TIMER_MILLIS } from '../process/timers.ts'
import { mergeHeaders } from './headers.ts'
import { resolveEndpoint, type TlsOption } from './endpoint.ts'
import type { ExporterOptions, HeadersOption, OtlpProtocol, TlsOptions } from './options.ts'
import { exporterTable, GRPC_CIPHERS, GRPC_ROOTS_FILE, type Signal, tlsTable } from './optionTable.ts'
import {
  at,
  type Environment,
  invalidOption,
  type OptionType,
  readVariable,
  resolveOptions,
  resolveVariable,
} from './settings.ts'

/** Certificates and key in PEM, the absolute paths of the files that they were read from, and ciphers. */
export interface TlsConfig {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  /** List of OpenSSL. */
  readonly ciphers?: string
  readonly files?: Readonly<Partial<Record<PemName, string>>>
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
  /** URL of the proxy, or `false` for none. `undefined` for the proxy of the environment. */
  readonly proxy: string | false | undefined
  /** Agent for HTTP; `undefined` for our own. */
  readonly agent: Agent | undefined
}

type PemName = 'ca' | 'cert' | 'key'

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
  const table = exporterTable(signal)
  const options: Record<string, unknown> = {}
  for (const name of Object.keys(table) as (keyof ExporterOptions)[])
    options[name] = own[name] ?? general[name]
  // Headers are merged below.
  const { headers: _, ...others } = table
  const resolved = resolveOptions(others, options, env)
  const tls: TlsOption = {
    path: own.tls === undefined ? 'tls' : at(signal, 'tls'),
    given: resolved.tls,
  }
  const endpoint = resolveEndpoint(signal, resolved.protocol, general, own, tls, env)
  if (endpoint === undefined) return undefined
  const { protocol, url, secure } = endpoint
  checkAgent(own.agent === undefined ? 'agent' : at(signal, 'agent'), resolved, protocol)
  const { compression, timeoutMillis, proxy, agent } = resolved
  return {
    protocol,
    url,
    headers: resolveHeaders(table, general, own, env),
    compression,
    timeoutMillis: timeoutMillis || MAX_TIMER_MILLIS,
    tls: secure ? readTls(signal, protocol, tls, env) : undefined,
    proxy,
    agent,
  }
}

/**
 * Checks that the agent is used, because requests would otherwise bypass the agent's proxy.
 * @param path path of the option, for messages
 */
function checkAgent(
  path: string,
  { agent, proxy }: { readonly agent: unknown; readonly proxy: unknown },
  protocol: OtlpProtocol,
): void {
  if (agent === undefined) return
  if (protocol === 'grpc')
    throw invalidOption(
      `option ${path} needs the protocol http/protobuf: set the protocol, or the option proxy`,
    )
  if (proxy !== undefined)
    throw invalidOption(
      `option ${path} opens the connections, so that the option proxy has no effect: set one of them`,
    )
}

/**
 * Merges the headers of the signal with the headers for all signals. Options replace variables as a whole, because the endpoint of an
 * option may be another receiver, which must not get the secrets of a variable.
 */
function resolveHeaders(
  { headers: { type, variables } }: ReturnType<typeof exporterTable>,
  general: ExporterOptions,
  own: ExporterOptions,
  env: Environment,
): HeadersOption {
  const options = [general.headers, own.headers].filter((each) => each !== undefined)
  if (options.length > 0) return mergeHeaders(options)
  const [ofSignal, ofAll] = variables.map((name) => readVariable(env, [name], type))
  return mergeHeaders([ofAll, ofSignal].filter((each) => each !== undefined))
}

function readTls(signal: Signal, protocol: OtlpProtocol, option: TlsOption, env: Environment): TlsConfig {
  const config = readCertificates(signal, option, env)
  if (protocol !== 'grpc') return config
  const roots = config.ca ? undefined : readVariable(env, [GRPC_ROOTS_FILE.name], file)
  const ciphers = resolveVariable(GRPC_CIPHERS, env)
  return {
    ...config,
    ...(roots && { ca: roots.content, files: { ...config.files, ca: roots.path! } }),
    ...(ciphers && { ciphers }),
  }
}

function readCertificates(signal: Signal, option: TlsOption, env: Environment): TlsConfig {
  const { path } = option
  const given: TlsOptions = typeof option.given === 'object' ? option.given : {}
  const table = tlsTable(signal)
  const read = (name: PemName): Pem | undefined =>
    readPem(path, given, name) ?? readVariable(env, table[`${name}File`].variables, file)
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')]
  if ((cert === undefined) === (key === undefined)) return tlsConfig({ ca, cert, key })
  const missing = cert === undefined ? 'certificate' : 'key'
  if (given.cert ?? given.certFile ?? given.key ?? given.keyFile)
    throw invalidOption(`option ${path} has no client ${missing}: set both certificate and key, or neither`)
  warnOnce(
    'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE',
    `the client ${missing} is missing, so mutual TLS is off: set both OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY`,
  )
  return tlsConfig({ ca })
}

function readPem(option: string, given: TlsOptions, name: PemName): Pem | undefined {
  const content = given[name]
  const path = given[`${name}File`]
  if (content !== undefined && path !== undefined) {
    throw invalidOption(`option ${option} has both ${name} and ${name}File: set one of them`)
  }
  if (content !== undefined) return { content: Buffer.isBuffer(content) ? content : Buffer.from(content) }
  if (path === undefined) return undefined
  const pem = file.parse?.(path)
  if (pem !== undefined) return pem
  const shown = path.includes('-----') ? `the contents belong in ${name}` : oneLine(path)
  throw invalidOption(`option ${option}.${name}File is not ${file.accepts}: ${shown}`)
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
