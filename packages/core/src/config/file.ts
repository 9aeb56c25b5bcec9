import { format, parse, resolve } from 'node:path'
import { shownEndpoint } from '../process/longWait.ts'
import type { ExporterConfig } from './exporter.ts'
import type { FileOptions } from './options.ts'
import { FILE, type Signal } from './optionTable.ts'
import { at, checkOptionsAt, invalidOption, resolveOptions, rulesOf } from './settings.ts'

/** Resolved configuration of a file of OTLP JSON lines. */
export interface FileConfig {
  readonly protocol: 'file'
  /** Absolute path. */
  readonly path: string
  /** Size in bytes at which a new file is begun. */
  readonly maxBytes: number
  /** Maximum number of files, the current file included. */
  readonly files: number
  /** Syncs each write to the disk. */
  readonly fsync: boolean
}

/** OTLP JSON lines on stdout. */
export interface StdoutConfig {
  readonly protocol: 'stdout'
}

/** Destination of the OTLP exporter of one signal. */
export type DestinationConfig = ExporterConfig | FileConfig | StdoutConfig

export const STDOUT: StdoutConfig = { protocol: 'stdout' }

/**
 * Resolves the option `file`, with the path relative to the current working directory.
 * @param path path of the option, for messages
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveFile(path: string, options: FileOptions): FileConfig {
  checkOptionsAt(path, options, rulesOf(FILE))
  const { path: given, ...others } = resolveOptions(FILE, { ...options }, {})
  if (given === undefined) {
    throw invalidOption(`option ${at(path, 'path')} is not set; it accepts ${FILE.path.type.accepts}`)
  }
  return { protocol: 'file', path: resolve(given), ...others }
}

/** Puts the name of a signal into the name of a file: `logs.jsonl` becomes `logs.traces.jsonl`. */
export function fileOfSignal(options: FileOptions, signal: Signal): FileOptions {
  const { dir, name, ext } = parse(options.path)
  return { ...options, path: format({ dir, name: `${name}.${signal}`, ext }) }
}

/** Names a destination without secrets, for reports. */
export function shownDestination(destination: DestinationConfig): string {
  if (destination.protocol === 'file') return destination.path
  return destination.protocol === 'stdout' ? 'stdout' : shownEndpoint(destination.url)
}

/** Tells if a destination takes OTLP JSON lines. */
export function takesLines(destination: DestinationConfig): destination is FileConfig | StdoutConfig {
  return destination.protocol === 'file' || destination.protocol === 'stdout'
}
