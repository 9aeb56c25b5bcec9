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

/** Where a spool lies and how it is kept, settled. */
export interface SpoolConfig {
  /** Absolute. */
  readonly directory: string
  /** Bytes that all processes together may keep in the directory. */
  readonly maxBytes: number
  /** Whether an append waits until the disk has it, and not the operating system alone. */
  readonly fsync: boolean
}

const folder: OptionType<string> = {
  accepts: 'the path of a directory',
  test: (value) => typeof value === 'string' && value !== '' && !value.includes('\0'),
}
const boolean: OptionType<boolean> = rules.boolean

// No variable: the specification has none, and a directory that several services find in their environment would be shared.
const SPOOL = {
  directory: setting(folder, [], ''),
  maxBytes: setting(count, [], 1024 * 1024 * 1024),
  fsync: setting(boolean, [], false),
} satisfies SettingTable

/**
 * @param path where the options stand, for messages
 * @throws LogbridgeError `INVALID_OPTION`
 */
export function resolveSpool(path: string, options: SpoolOptions | undefined): SpoolConfig | undefined {
  if (options === undefined) return undefined
  checkOptionsAt(path, options, rulesOf(SPOOL))
  if (options.directory === undefined) {
    throw new LogbridgeError(
      'INVALID_OPTION',
      `@logbridge/core: option ${at(path, 'directory')} is not given: a spool needs a directory of its own`,
    )
  }
  const { directory, maxBytes, fsync } = resolveOptions(SPOOL, { ...options }, {})
  // Now, as the application may change its working directory later.
  return { directory: resolve(directory), maxBytes, fsync }
}
