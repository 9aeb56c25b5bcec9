import type { Library } from './entryFiles.ts'

/** Settings of the environment. */
export interface Settings {
  /** `OTEL_SDK_DISABLED`: the process stays as it is. */
  readonly isOff: boolean
  /** `LOGBRIDGE_DISABLED`: libraries and instrumentations that stay as they are. */
  readonly disabled: ReadonlySet<string>
  /** `LOGBRIDGE_CONSOLE`. */
  readonly console: boolean
  /** `LOGBRIDGE_PRELOAD`: libraries that are loaded at the start. */
  readonly preload: readonly Library[]
}

const LIBRARIES: readonly Library[] = ['bunyan', 'log4js', 'pino', 'winston']

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return {
    isOff: isTrue(env['OTEL_SDK_DISABLED']),
    disabled: new Set(listIn(env['LOGBRIDGE_DISABLED'])),
    console: isTrue(env['LOGBRIDGE_CONSOLE']),
    preload: LIBRARIES.filter((library) => listIn(env['LOGBRIDGE_PRELOAD']).includes(library)),
  }
}

/** Tests `LOGBRIDGE_TELEMETRY`, by which the application starts its telemetry itself. */
export function startsTelemetry(env: NodeJS.ProcessEnv): boolean {
  return env['LOGBRIDGE_TELEMETRY']?.trim().toLowerCase() !== 'off'
}

/** Tests `LOGBRIDGE_INJECT`, by which libraries print the active span. */
export function printsTraceContext(env: NodeJS.ProcessEnv): boolean {
  return isTrue(env['LOGBRIDGE_INJECT'])
}

function isTrue(value = ''): boolean {
  return ['1', 'true'].includes(value.trim().toLowerCase())
}

/** Reads a list of names that are separated by commas. */
export function listIn(list = ''): string[] {
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean)
}
