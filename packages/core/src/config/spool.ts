import { resolve } from 'node:path'
import { LogbridgeError, rules } from '@logbridge/bridge'
import type { SpoolOptions } from './options.ts'
import {
  at,
  checkOptionsAt,
  count,
  type OptionType,
  rulesOf,
  setting,
  type SettingTable,
  resolveOptions,
} from './settings.ts'

/** Resolved configuration of the spool. */
export interface SpoolConfig {
  /** Absolute path. */
  readonly directory: string
  /** Limit of the directory in bytes, for all processes together. */
  readonly maxBytes: number
  /** Syncs each append to the disk. */
  readonly fsync: boolean
}

const directoryPath: OptionType<string> = {
  accepts: 'the path of a directory',
  test: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
}
const boolean: OptionType<boolean> = rules.boolean

// There is no variable, because services with a common environment would then share one directory.
const SPOOL = {
  directory: setting(directoryPath, [], ''),
  maxBytes: setting(count, [], 1024 * 1024 * 1024),
  fsync: setting(boolean, [], false),
} satisfies SettingTable

/**
 * Resolves the spool options, with the directory relative to the current working directory.
 * @param path path of the options, for messages
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveSpool(path: string, options: SpoolOptions | undefined): SpoolConfig | undefined {
  if (options === undefined) return undefined
  checkOptionsAt(path, options, rulesOf(SPOOL))
  if (options.directory === undefined) {
    throw new LogbridgeError(
      'INVALID_OPTION',
      `@logbridge/core: option ${at(path, 'directory')} is not set; it accepts ${directoryPath.accepts}`,
    )
  }
  const { directory, maxBytes, fsync } = resolveOptions(SPOOL, { ...options }, {})
  return { directory: resolve(directory), maxBytes, fsync }
}
