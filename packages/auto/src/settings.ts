import type { Library } from './entryFiles.ts'

/** Settings of the environment. */
export interface Settings {
  /** `OTEL_SDK_DISABLED=true` or `LOGBRIDGE_DISABLED=true`: the process stays as it is. */
  readonly isOff: boolean
  /** `LOGBRIDGE_DISABLED`: libraries and instrumentations that stay as they are. */
  readonly disabled: ReadonlySet<string>
  /** `LOGBRIDGE_CONSOLE`. */
  readonly console: boolean
  /** `OTEL_LOG_LEVEL` of INFO or below: lines say why no record arrives. */
  readonly explains: boolean
  /** `LOGBRIDGE_PRELOAD`: libraries that are loaded at the start. */
  readonly preload: readonly Library[]
}

const LIBRARIES: readonly Library[] = ['bunyan', 'log4js', 'pino', 'winston']
const TRUE: readonly string[] = ['1', 'true']
const BOOLEAN: readonly string[] = [...TRUE, '0', 'false']
/** Values of `OTEL_LOG_LEVEL` that include INFO. */
const EXPLAINING: ReadonlySet<string> = new Set(['info', 'debug', 'verbose', 'all'])

/** Values that the variables of this package accept. `LOGBRIDGE_DISABLED` accepts the name of any instrumentation. */
const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  LOGBRIDGE_CONSOLE: BOOLEAN,
  LOGBRIDGE_INJECT: BOOLEAN,
  LOGBRIDGE_PRELOAD: LIBRARIES,
  LOGBRIDGE_TELEMETRY: ['off', 'on'],
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const disabled = new Set(listIn(env['LOGBRIDGE_DISABLED']))
  return {
    // The specification accepts `true` alone, and core warns of other values.
    // https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#boolean-value
    isOff: env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' || isTrue(env['LOGBRIDGE_DISABLED']),
    disabled,
    console: isTrue(env['LOGBRIDGE_CONSOLE']) && !disabled.has('console'),
    explains: EXPLAINING.has(env['OTEL_LOG_LEVEL']?.trim().toLowerCase() ?? ''),
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

/** Lists the variables whose values have no effect, each as one line. */
export function ignoredSettings(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(ACCEPTED).flatMap(([name, accepted]) => {
    const ignored = listIn(env[name]).find((value) => !accepted.includes(value))
    return ignored === undefined ? [] : [`${name} is ignored: '${ignored}' is not ${quoted(accepted)}`]
  })
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' or ')
}

function isTrue(value = ''): boolean {
  return TRUE.includes(value.trim().toLowerCase())
}

/** Reads a list of names that are separated by commas. */
export function listIn(list = ''): string[] {
  return list
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean)
}
