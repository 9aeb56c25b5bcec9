import { LogbridgeError } from '@logbridge/bridge'
import { expect } from 'vitest'
import { resolveTelemetry } from '../../src/config/config.ts'
import type { TelemetryOptions } from '../../src/config/options.ts'

/** Environment variables of a test. */
export type Env = Record<string, string>

/** Resolves options and variables, and returns the value at a path of the configuration. */
export function resolved(path: string, options: TelemetryOptions, env: Env): unknown {
  let value: unknown = resolveTelemetry(options, env)
  for (const name of path.split('.')) value = (value as Record<string, unknown>)[name]
  return value
}

/** Runs a function that must throw a LogbridgeError `INVALID_OPTION`, and returns the error. */
export function thrownBy(run: () => unknown): LogbridgeError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(LogbridgeError)
    expect((error as LogbridgeError).code).toBe('INVALID_OPTION')
    return error as LogbridgeError
  }
  throw new Error('expected an error')
}
