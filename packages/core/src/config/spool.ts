import { resolve } from 'node:path'
import type { SpoolOptions } from './options.ts'
import { SPOOL } from './optionTable.ts'
import { at, checkOptionsAt, invalidOption, resolveOptions, rulesOf } from './settings.ts'

/** Resolved configuration of the spool. */
export interface SpoolConfig {
  /** Absolute path. */
  readonly directory: string
  /** Limit of the directory in bytes, for all processes together. */
  readonly maxBytes: number
  /** Syncs each append to the disk. */
  readonly fsync: boolean
}

/**
 * Resolves the spool options, with the directory relative to the current working directory.
 * @param path path of the options, for messages
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveSpool(path: string, options: SpoolOptions | undefined): SpoolConfig | undefined {
  if (options === undefined) return undefined
  checkOptionsAt(path, options, rulesOf(SPOOL))
  const { directory, maxBytes, fsync } = resolveOptions(SPOOL, { ...options }, {})
  if (directory === undefined) {
    throw invalidOption(
      `option ${at(path, 'directory')} is not set; it accepts ${SPOOL.directory.type.accepts}`,
    )
  }
  return { directory: resolve(directory), maxBytes, fsync }
}
